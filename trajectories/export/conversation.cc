#include "trajectories/export/conversation.h"

#include <algorithm>
#include <map>

#include "base/json.h"

namespace passnet::trajectories {
namespace {

using dialects::Dialect;
using dialects::StoredMessage;

struct Call {
  std::vector<StoredMessage> request;
  StoredMessage reply;
  bool trained = false;
  std::optional<int64_t> tokens;
};

// What the journal says of a call before its content is read.
struct CallEvents {
  const Event* intent = nullptr;
  const Event* outcome = nullptr;
  bool format_error = false;
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

Result<Call> ReadCall(Reader* reader, const CallEvents& events) {
  Call call;
  ASSIGN_OR_RETURN(std::string request, ContentNamed(reader, events.intent, "request"));
  ASSIGN_OR_RETURN(const Dialect* dialect, DialectOf(reader, *events.intent));
  ASSIGN_OR_RETURN(call.request, dialect->ReadMessages(request));
  ASSIGN_OR_RETURN(std::string reply, ContentNamed(reader, events.outcome, "reply"));
  ASSIGN_OR_RETURN(Json outcome_facts, PayloadOf(reader, *events.outcome));
  const auto http_status = static_cast<int>(outcome_facts["http_status"].Integer(200));
  ASSIGN_OR_RETURN(call.reply, MessageOfReply(*dialect, http_status, std::move(reply)));
  const EventDraft& outcome = events.outcome->body;
  call.trained = outcome.label == "accepted" && !events.format_error;
  if (outcome.prompt_tokens && outcome.completion_tokens) {
    call.tokens = *outcome.prompt_tokens + *outcome.completion_tokens;
  }
  return call;
}

// In the order of the outcomes.
Result<std::vector<Call>> ReadCalls(Reader* reader, const std::vector<Event>& events) {
  std::map<std::string, CallEvents> by_id;
  std::vector<std::string> order;
  for (const Event& event : events) {
    CallEvents& call = by_id[event.body.subject];
    if (event.body.kind == EventKind::kLlmIntent) call.intent = &event;
    if (event.body.kind == EventKind::kReplyParsed) call.format_error = event.body.label != "ok";
    if (!IsSettled(event)) continue;
    call.outcome = &event;
    order.push_back(event.body.subject);
  }
  std::vector<Call> calls;
  for (const std::string& id : order) {
    ASSIGN_OR_RETURN(Call call, ReadCall(reader, by_id[id]));
    calls.push_back(std::move(call));
  }
  return calls;
}

bool Follows(const Call& before, const Call& after) {
  size_t length = before.request.size();
  if (after.request.size() <= length || after.request[length] != before.reply) return false;
  return std::equal(before.request.begin(), before.request.end(), after.request.begin());
}

bool HistoryOnlyGrew(const std::vector<Call>& calls) {
  for (size_t i = 1; i < calls.size(); ++i) {
    if (!Follows(calls[i - 1], calls[i])) return false;
  }
  return true;
}

ConversationRow RowOf(const Call& call) {
  ConversationRow row;
  for (const StoredMessage& message : call.request) row.messages.push_back({message, false});
  row.messages.push_back({call.reply, call.trained});
  row.calls = 1;
  row.tokens = call.tokens;
  return row;
}

}  // namespace

bool ConversationRow::AnyTrained() const {
  return std::any_of(messages.begin(), messages.end(), [](const WeightedMessage& one) { return one.trained; });
}

Result<std::vector<ConversationRow>> RowsOf(Reader* reader, const std::vector<Event>& events) {
  ASSIGN_OR_RETURN(std::vector<Call> calls, ReadCalls(reader, events));
  std::vector<ConversationRow> rows;
  if (calls.empty()) return rows;
  if (!HistoryOnlyGrew(calls)) {
    for (const Call& call : calls) rows.push_back(RowOf(call));
    return rows;
  }
  ConversationRow row = RowOf(calls.back());
  // A reply stands in the last request right behind the messages that it answered.
  for (const Call& call : calls) row.messages[call.request.size()].trained = call.trained;
  row.calls = static_cast<int64_t>(calls.size());
  rows.push_back(std::move(row));
  return rows;
}

}  // namespace passnet::trajectories
