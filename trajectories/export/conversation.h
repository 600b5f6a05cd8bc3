// A trajectory's model calls up to the winning one, with which of them are trained, and the training rows that they
// make.
// Threads: thread-compatible: as Reader, which is borrowed.
// Errors: kDataCorrupt (a request or reply that cannot be read), those of Reader.
// Source: docs/formats.md, "Export".
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "trajectories/export/chat_message.h"
#include "trajectories/export/figures.h"
#include "trajectories/export/options.h"
#include "trajectories/reader.h"

namespace passnet::trajectories {

struct ModelCall {
  std::string id;
  int64_t round = 0;
  std::vector<dialects::StoredMessage> request;
  dialects::StoredMessage reply;
  bool usable = false;            // accepted, and files came out of it
  std::optional<int64_t> tokens;  // prompt + completion, as the provider counted
  bool trained = false;
};

// The settled calls in the order of their outcomes; `events` of one trajectory, payloads or not, in order. With
// `last_round` the calls end with the usable one of that round, and there are none when that round has none.
Result<std::vector<ModelCall>> ReadCalls(Reader* reader, const std::vector<Event>& events,
                                         std::optional<int64_t> last_round = std::nullopt);

// Sets which calls are trained. The last one is the winning one.
void MarkTrained(TrainedTurns turns, const TrajectoryFigures& figures, std::vector<ModelCall>* calls);

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
