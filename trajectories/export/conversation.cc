#include "trajectories/export/conversation.h"

#include <algorithm>
#include <map>
#include <utility>

#include "base/json.h"

namespace passnet::trajectories {
namespace {

using dialects::Dialect;
using dialects::StoredMessage;

// What the journal says of a call before its content is read.
struct CallEvents {
  const Event* intent = nullptr;
  const Event* outcome = nullptr;
  bool format_error = false;
  int64_t round() const { return outcome->body.round.value_or(0); }
  bool usable() const { return outcome->body.label == "accepted" && !format_error; }
};

bool IsSettled(const Event& event) {
  if (event.body.kind != EventKind::kLlmOutcome) return false;
  auto outcome = dialects::OutcomeClassFromName(event.body.label);
  return outcome && dialects::IsModelBehaviour(*outcome);
}

Result<std::string> ContentNamed(Reader* reader, const Event* event, std::string_view name) {
  if (event != nullptr) {
    for (const ContentRef& ref : event->body.refs) {
      if (ref.name == name) return reader->Content(ref.sha256);
    }
  }
  return DataCorrupt("journal: a call without its " + std::string(name));
}

// The payload of an event that was read without it.
Result<Json> PayloadOf(Reader* reader, const Event& event) {
  EventQuery query;
  query.campaign_id = event.body.campaign_id;
  query.trajectory_id = event.body.trajectory_id;
  query.after_row_id = event.row_id - 1;
  query.limit = 1;
  ASSIGN_OR_RETURN(std::vector<Event> found, reader->Events(query));
  if (found.empty()) return DataCorrupt("journal: row " + std::to_string(event.row_id) + " is gone");
  auto payload = ParseJsonObject(found[0].body.payload, "journal: payload of row " + std::to_string(event.row_id));
  if (!payload) return DataCorrupt(payload.error().context);
  return payload;
}

// What was asked tells in which dialect; a dialect of a later build is as unreadable as broken bytes.
Result<const Dialect*> DialectOf(Reader* reader, const Event& intent) {
  ASSIGN_OR_RETURN(Json payload, PayloadOf(reader, intent));
  auto dialect = dialects::DialectNamed(payload["dialect"].Text());
  if (!dialect) return DataCorrupt(dialect.error().context);
  return dialect;
}

Result<ModelCall> ReadCall(Reader* reader, const CallEvents& events) {
  ModelCall call;
  call.id = events.outcome->body.subject;
  call.round = events.round();
  call.usable = events.usable();
  ASSIGN_OR_RETURN(std::string request, ContentNamed(reader, events.intent, "request"));
  ASSIGN_OR_RETURN(const Dialect* dialect, DialectOf(reader, *events.intent));
  ASSIGN_OR_RETURN(call.request, dialect->ReadMessages(request));
  ASSIGN_OR_RETURN(std::string reply, ContentNamed(reader, events.outcome, "reply"));
  ASSIGN_OR_RETURN(Json outcome_facts, PayloadOf(reader, *events.outcome));
  const auto http_status = static_cast<int>(outcome_facts["http_status"].Integer(200));
  ASSIGN_OR_RETURN(call.reply, MessageOfReply(*dialect, http_status, std::move(reply)));
  const EventDraft& outcome = events.outcome->body;
  if (outcome.prompt_tokens && outcome.completion_tokens) {
    call.tokens = *outcome.prompt_tokens + *outcome.completion_tokens;
  }
  return call;
}

// In the order of the outcomes.
std::vector<CallEvents> SettledCalls(const std::vector<Event>& events) {
  std::map<std::string, CallEvents> by_id;
  std::vector<std::string> order;
  for (const Event& event : events) {
    const EventDraft& body = event.body;
    if (body.kind == EventKind::kLlmIntent) by_id[body.subject].intent = &event;
    if (body.kind == EventKind::kReplyParsed) by_id[body.subject].format_error = body.label != "ok";
    if (!IsSettled(event)) continue;
    by_id[body.subject].outcome = &event;
    order.push_back(body.subject);
  }
  std::vector<CallEvents> calls;
  for (const std::string& id : order) calls.push_back(by_id[id]);
  return calls;
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

Result<std::vector<ModelCall>> ReadCalls(Reader* reader, const std::vector<Event>& events,
                                         std::optional<int64_t> last_round) {
  std::vector<CallEvents> settled = SettledCalls(events);
  if (last_round) {
    // What came after the winner is not even read.
    auto winner = std::find_if(settled.rbegin(), settled.rend(), [&](const CallEvents& call) {
      return call.usable() && call.round() == *last_round;
    });
    settled.erase(winner.base(), settled.end());
  }
  std::vector<ModelCall> calls;
  for (const CallEvents& one : settled) {
    ASSIGN_OR_RETURN(ModelCall call, ReadCall(reader, one));
    calls.push_back(std::move(call));
  }
  return calls;
}

void MarkTrained(TrainedTurns turns, const TrajectoryFigures& figures, std::vector<ModelCall>* calls) {
  double best = 0;
  for (ModelCall& call : *calls) {
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
