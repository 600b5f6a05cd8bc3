#include "sandbox/captured_stream.h"

#include <algorithm>

namespace passnet::sandbox {

void StreamKeeper::Add(std::string_view bytes) {
  total_ += bytes.size();
  const size_t to_head = std::min<uint64_t>(bytes.size(), half_ - head_.size());
  head_.append(bytes.substr(0, to_head));
  bytes.remove_prefix(to_head);
  if (bytes.size() > half_) bytes.remove_prefix(bytes.size() - half_);
  tail_.append(bytes);
  if (tail_.size() > 2 * half_) tail_.erase(0, tail_.size() - half_);
}

CapturedStream StreamKeeper::Finish() && {
  if (tail_.size() > half_) tail_.erase(0, tail_.size() - half_);
  CapturedStream stream{std::move(head_), std::move(tail_), 0, total_};
  stream.dropped_bytes = total_ - stream.head.size() - stream.tail.size();
  return stream;
}

std::string CapturedStream::Text() const {
  if (dropped_bytes == 0) return head + tail;
  return head + "\n[… " + std::to_string(dropped_bytes) + " bytes left out …]\n" + tail;
}

}  // namespace passnet::sandbox
