// Server-sent events out of bytes that arrive in any pieces. Tolerant: LF, CR and CRLF line ends, comment lines (the
// keep-alive pings of llama.cpp and OpenRouter), a byte order mark, characters split between pieces, a last event
// without its blank line.
// Threads: thread-compatible. Errors: none: every byte string is a stream. Memory: at most one event is held.
// Source: WHATWG HTML, section 9.2.6; docs/llm.md.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace passnet::dialects {

class SseParser {
 public:
  // The data of each event that these bytes complete; several data lines are joined by LF.
  std::vector<std::string> Feed(std::string_view bytes);
  // The end of the stream: what a missing blank line held back.
  std::vector<std::string> Finish();

 private:
  void EndLine(std::vector<std::string>* events);
  void EndEvent(std::vector<std::string>* events);

  std::string line_;
  std::string data_;
  bool has_data_ = false;
  bool after_cr_ = false;
  bool first_line_ = true;
};

}  // namespace passnet::dialects
