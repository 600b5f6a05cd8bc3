// A trajectory's model calls up to the winning one, with which of them are trained, and the training rows that they
// make. What the events alone can tell is told before any request or reply is read.
// Threads: thread-compatible: as Reader, which is borrowed.
// Errors: kDataCorrupt (a request or reply that cannot be read), those of Reader.
// Source: docs/formats.md, "Export".
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/sha256.h"
#include "trajectories/export/chat_message.h"
#include "trajectories/export/figures.h"
#include "trajectories/export/options.h"
#include "trajectories/reader.h"

namespace passnet::trajectories {

struct CallFacts {
  std::string id;
  int64_t round = 0;
  bool usable = false;            // accepted, and files came out of it
  std::optional<int64_t> tokens;  // prompt + completion, as the provider counted
  bool trained = false;
};

// A call as its events tell of it, before any content is read. Borrows them.
struct SettledCall : CallFacts {
  const Event* intent = nullptr;  // nullptr: there is none
  const Event* outcome = nullptr;
};

// In the order of the outcomes; `events` of one trajectory, payloads or not, in order. With `last_round` the calls end
// with the usable one of that round, and there are none when that round has none.
std::vector<SettledCall> SettledCalls(const std::vector<Event>& events, std::optional<int64_t> last_round = std::nullopt);

// Sets which calls are trained. The last one is the winning one.
void MarkTrained(TrainedTurns turns, const TrajectoryFigures& figures, std::vector<SettledCall>* calls);

struct ModelCall : CallFacts {
  std::vector<dialects::StoredMessage> request;
  dialects::StoredMessage reply;
};

Result<ModelCall> ReadCall(Reader* reader, const SettledCall& call);

// The bytes of an event's ref. kDataCorrupt without the event, or without such a ref.
Result<Sha256Digest> RefNamed(const Event* event, std::string_view name);
// In which dialect a call was asked.
Result<const dialects::Dialect*> DialectOf(Reader* reader, const Event& intent);

struct ConversationRow {
  std::vector<WeightedMessage> messages;  // ends with a reply
  int64_t round = 0;                      // of the last reply
  int64_t calls = 0;
  int64_t trained = 0;                    // of them
  std::optional<int64_t> tokens;          // of the row's last call
};

// One row when the history only ever grew: it ends with the winning reply. Else as TurnRows.
std::vector<ConversationRow> WholeRows(const std::vector<ModelCall>& calls);

// One row a trained call: what was asked, no answer in it trained, and the reply.
std::vector<ConversationRow> TurnRows(const std::vector<ModelCall>& calls);

}  // namespace passnet::trajectories
