// Committed events of one campaign as server-sent events: id = row, event = kind, data = EventJson.
// Threads: each stream is used by one thread for streams; StreamSlots is thread-safe.
// Borrows: store and readers, until the server has stopped.
// Source: WHATWG HTML section 9.2; a comment line every few seconds keeps proxies from closing the connection.
#pragma once

#include <atomic>
#include <memory>
#include <string>

#include "daemon/http_api/message.h"
#include "trajectories/reader.h"
#include "trajectories/store.h"

namespace passnet::daemon {

// At most `capacity` streams at a time.
class StreamSlots {
 public:
  explicit StreamSlots(int64_t capacity) : capacity_(capacity) {}
  // Holds a place until the last copy is gone; null when there is none.
  std::shared_ptr<void> Take();
  int64_t taken() const { return taken_.load(); }

 private:
  const int64_t capacity_;
  std::atomic<int64_t> taken_{0};
};

// Events of rows above `after_row_id`. `slot` is kept as long as the stream.
StreamFn EventStream(const trajectories::Store* store, trajectories::ReaderPool* readers, std::string campaign_id,
                     int64_t after_row_id, std::shared_ptr<void> slot);

}  // namespace passnet::daemon
