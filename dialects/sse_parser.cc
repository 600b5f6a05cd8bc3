#include "dialects/sse_parser.h"

#include <utility>

namespace passnet::dialects {

std::vector<std::string> SseParser::Feed(std::string_view bytes) {
  std::vector<std::string> events;
  while (!bytes.empty()) {
    if (after_cr_ && bytes.front() == '\n') bytes.remove_prefix(1);
    after_cr_ = false;
    size_t end = bytes.find_first_of("\r\n");
    line_.append(bytes.substr(0, end));
    if (end == std::string_view::npos) break;
    after_cr_ = bytes[end] == '\r';
    bytes.remove_prefix(end + 1);
    EndLine(&events);
  }
  return events;
}

std::vector<std::string> SseParser::Finish() {
  std::vector<std::string> events;
  if (!line_.empty()) EndLine(&events);
  EndEvent(&events);
  return events;
}

void SseParser::EndLine(std::vector<std::string>* events) {
  std::string line = std::exchange(line_, {});
  std::string_view text = line;
  if (std::exchange(first_line_, false) && text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  if (text.empty()) return EndEvent(events);
  // Event names, ids and retry hints carry nothing here: chat completions have one kind of event.
  if (!text.starts_with("data")) return;
  text.remove_prefix(4);
  if (!text.empty() && text.front() != ':') return;
  if (!text.empty()) text.remove_prefix(1);
  if (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  if (has_data_) data_.push_back('\n');
  data_.append(text);
  has_data_ = true;
}

void SseParser::EndEvent(std::vector<std::string>* events) {
  if (std::exchange(has_data_, false)) events->push_back(std::exchange(data_, {}));
}

}  // namespace passnet::dialects
