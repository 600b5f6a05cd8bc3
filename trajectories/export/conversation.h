// A trajectory's model calls as training rows: one row when the history only ever grew, one a call when it was
// rewritten.
// Threads: thread-compatible: as Reader, which is borrowed.
// Errors: kDataCorrupt (a request or reply that cannot be read), those of Reader.
// Source: docs/formats.md, "Export: openai-chat".
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "trajectories/export/chat_message.h"
#include "trajectories/reader.h"

namespace passnet::trajectories {

struct ConversationRow {
  std::vector<WeightedMessage> messages;
  int64_t calls = 0;
  std::optional<int64_t> tokens;  // prompt + completion of the row's last call, as the provider counted
  bool AnyTrained() const;
};

// `events`: the trajectory's, without payloads, in order. No settled call: no row.
Result<std::vector<ConversationRow>> RowsOf(Reader* reader, const std::vector<Event>& events);

}  // namespace passnet::trajectories
