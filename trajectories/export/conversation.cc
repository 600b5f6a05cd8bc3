#include "trajectories/export/conversation.h"

#include <algorithm>
#include <map>
#include <utility>

#include "base/json.h"

namespace passnet::trajectories {
namespace {

using dialects::Dialect;
using dialects::StoredMessage;

bool IsSettled(const Event& event) {
  if (event.body.kind != EventKind::kLlmOutcome) return false;
  auto outcome = dialects::OutcomeClassFromName(event.body.label);
  return outcome && dialects::IsModelBehaviour(*outcome);
}

Result<std::string> ContentNamed(Reader* reader, const Event* event, std::string_view name) {
  ASSIGN_OR_RETURN(const Sha256Digest digest, RefNamed(event, name));
  return reader->Content(digest);
}

// The payload of an event that was read without it.
Result<Json> PayloadOf(Reader* reader, const Event& event) {
  EventQuery query;
  query.after_row_id = event.row_id - 1;
  query.limit = 1;
  ASSIGN_OR_RETURN(std::vector<Event> found, reader->Events(query));
  if (found.empty() || found[0].row_id != event.row_id) {
    return DataCorrupt("journal: row " + std::to_string(event.row_id) + " is gone");
  }
  auto payload = ParseJsonObject(found[0].body.payload, "journal: payload of row " + std::to_string(event.row_id));
  if (!payload) return DataCorrupt(payload.error().context);
  return payload;
}

bool Follows(const ModelCall& before, const ModelCall& after) {
  size_t length = before.request.size();
  if (after.request.size() <= length || after.request[length] != before.reply) return false;
  return std::equal(before.request.begin(), before.request.end(), after.request.begin());
}

bool HistoryOnlyGrew(const std::vector<ModelCall>& calls) {
  for (size_t i = 1; i < calls.size(); ++i) {
    if (!Follows(calls[i - 1], calls[i])) return false;
  }
  return true;
}

ConversationRow RowOf(const ModelCall& call) {
  ConversationRow row;
  for (const StoredMessage& message : call.request) row.messages.push_back({message, false});
  row.messages.push_back({call.reply, call.trained});
  row.round = call.round;
  row.calls = 1;
  row.trained = call.trained;
  row.tokens = call.tokens;
  return row;
}

}  // namespace

Result<Sha256Digest> RefNamed(const Event* event, std::string_view name) {
  if (event != nullptr) {
    for (const ContentRef& ref : event->body.refs) {
      if (ref.name == name) return ref.sha256;
    }
  }
  return DataCorrupt("journal: a call without its " + std::string(name));
}

// A dialect of a later build is as unreadable as broken bytes.
Result<const Dialect*> DialectOf(Reader* reader, const Event& intent) {
  ASSIGN_OR_RETURN(Json payload, PayloadOf(reader, intent));
  auto dialect = dialects::DialectNamed(payload["dialect"].Text());
  if (!dialect) return DataCorrupt(dialect.error().context);
  return dialect;
}

std::vector<SettledCall> SettledCalls(const std::vector<Event>& events, std::optional<int64_t> last_round) {
  std::map<std::string, SettledCall> by_id;
  std::map<std::string, bool> format_error;
  std::vector<std::string> order;
  for (const Event& event : events) {
    const EventDraft& body = event.body;
    if (body.kind == EventKind::kLlmIntent) by_id[body.subject].intent = &event;
    if (body.kind == EventKind::kReplyParsed) format_error[body.subject] = body.label != "ok";
    if (!IsSettled(event)) continue;
    by_id[body.subject].outcome = &event;
    order.push_back(body.subject);
  }
  std::vector<SettledCall> calls;
  for (const std::string& id : order) {
    SettledCall call = by_id[id];
    const EventDraft& outcome = call.outcome->body;
    call.id = id;
    call.round = outcome.round.value_or(0);
    call.usable = outcome.label == "accepted" && !format_error[id];
    if (outcome.prompt_tokens && outcome.completion_tokens) {
      call.tokens = *outcome.prompt_tokens + *outcome.completion_tokens;
    }
    calls.push_back(std::move(call));
  }
  if (last_round) {
    auto winner = std::find_if(calls.rbegin(), calls.rend(),
                               [&](const SettledCall& call) { return call.usable && call.round == *last_round; });
    calls.erase(winner.base(), calls.end());
  }
  return calls;
}

Result<ModelCall> ReadCall(Reader* reader, const SettledCall& settled) {
  ModelCall call;
  static_cast<CallFacts&>(call) = settled;
  ASSIGN_OR_RETURN(std::string request, ContentNamed(reader, settled.intent, "request"));
  ASSIGN_OR_RETURN(const Dialect* dialect, DialectOf(reader, *settled.intent));
  ASSIGN_OR_RETURN(call.request, dialect->ReadMessages(request));
  ASSIGN_OR_RETURN(std::string reply, ContentNamed(reader, settled.outcome, "reply"));
  ASSIGN_OR_RETURN(Json outcome_facts, PayloadOf(reader, *settled.outcome));
  const auto http_status = static_cast<int>(outcome_facts["http_status"].Integer(200));
  ASSIGN_OR_RETURN(call.reply, MessageOfReply(*dialect, http_status, std::move(reply)));
  return call;
}

void MarkTrained(TrainedTurns turns, const TrajectoryFigures& figures, std::vector<SettledCall>* calls) {
  // Who was shown a folder improves on that one.
  double best = figures.start_score.value_or(0);
  for (SettledCall& call : *calls) {
    const bool winner = &call == &calls->back();
    const auto found = figures.rounds.find(call.round);
    bool improved = false;
    if (call.usable && found != figures.rounds.end()) {
      const Judgement& judged = found->second;
      // A right pass that is slower than eager improves on nothing.
      improved = judged.good && judged.speedup.value_or(0) > 1 && judged.score.value_or(0) > best;
      if (improved) best = *judged.score;
    }
    switch (turns) {
      case TrainedTurns::kImproving: call.trained = winner || improved; break;
      case TrainedTurns::kWinner: call.trained = winner; break;
      case TrainedTurns::kAll: call.trained = call.usable; break;
    }
  }
}

std::vector<ConversationRow> WholeRows(const std::vector<ModelCall>& calls) {
  if (calls.empty() || !HistoryOnlyGrew(calls)) return TurnRows(calls);
  ConversationRow row = RowOf(calls.back());
  row.calls = static_cast<int64_t>(calls.size());
  row.trained = 0;
  // A reply stands in the last request right behind the messages that it answered.
  for (const ModelCall& call : calls) {
    row.messages[call.request.size()].trained = call.trained;
    row.trained += call.trained;
  }
  return {std::move(row)};
}

std::vector<ConversationRow> TurnRows(const std::vector<ModelCall>& calls) {
  std::vector<ConversationRow> rows;
  for (const ModelCall& call : calls) {
    if (call.trained) rows.push_back(RowOf(call));
  }
  return rows;
}

}  // namespace passnet::trajectories
