#include "dialects/sse_parser.h"

#include <cstring>
#include <utility>

namespace passnet::dialects {
namespace {

// Of the first CR or LF. Two searches by memchr take a tenth of the time of one by find_first_of.
size_t EndOfLine(std::string_view bytes) {
  const auto find = [&](char sign, size_t count) {
    const void* found = std::memchr(bytes.data(), sign, count);
    return found == nullptr ? std::string_view::npos : static_cast<size_t>(static_cast<const char*>(found) - bytes.data());
  };
  const size_t line_feed = find('\n', bytes.size());
  const size_t carriage_return = find('\r', line_feed == std::string_view::npos ? bytes.size() : line_feed);
  return carriage_return == std::string_view::npos ? line_feed : carriage_return;
}

}  // namespace

void SseParser::Feed(std::string_view bytes, const Take& take) {
  while (!bytes.empty()) {
    if (std::exchange(after_cr_, false) && bytes.front() == '\n') {
      bytes.remove_prefix(1);
      continue;
    }
    const size_t end = EndOfLine(bytes);
    if (end == std::string_view::npos) {
      line_.append(bytes);
      break;
    }
    after_cr_ = bytes[end] == '\r';
    if (line_.empty()) {
      EndLine(bytes.substr(0, end), true, take);
    } else {
      line_.append(bytes.substr(0, end));
      EndLine(std::exchange(line_, {}), false, take);
    }
    bytes.remove_prefix(end + 1);
  }
  Keep();
}

void SseParser::Finish(const Take& take) {
  if (!line_.empty()) EndLine(std::exchange(line_, {}), false, take);
  EndEvent(take);
}

// `lasts`: the line's bytes outlive the event, if it ends in these bytes.
void SseParser::EndLine(std::string_view line, bool lasts, const Take& take) {
  if (std::exchange(first_line_, false) && line.starts_with("\xEF\xBB\xBF")) line.remove_prefix(3);
  if (line.empty()) return EndEvent(take);
  if (!line.starts_with("data")) return;
  line.remove_prefix(4);
  if (!line.empty() && line.front() != ':') return;
  if (!line.empty()) line.remove_prefix(1);
  if (!line.empty() && line.front() == ' ') line.remove_prefix(1);
  if (!has_data_ && lasts) {
    piece_ = line;
    in_piece_ = has_data_ = true;
    return;
  }
  Keep();
  if (std::exchange(has_data_, true)) data_.push_back('\n');
  data_.append(line);
}

void SseParser::EndEvent(const Take& take) {
  if (!std::exchange(has_data_, false)) return;
  if (std::exchange(in_piece_, false)) return take(piece_);
  take(std::exchange(data_, {}));
}

// What lies in the bytes of this Feed is copied before they go.
void SseParser::Keep() {
  if (std::exchange(in_piece_, false)) data_ = piece_;
}

}  // namespace passnet::dialects
