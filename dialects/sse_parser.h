// Server-sent events out of bytes that arrive in any pieces. Tolerant: LF, CR and CRLF line ends, comment lines (the
// keep-alive pings of llama.cpp and OpenRouter), a byte order mark, characters split between pieces, a last event
// without its blank line.
// Threads: thread-compatible. Errors: none: every byte string is a stream. Memory: at most one event is held, and none
// that came in one piece.
// Source: WHATWG HTML, section 9.2.6; docs/llm.md.
#pragma once

#include <functional>
#include <string>
#include <string_view>

namespace passnet::dialects {

class SseParser {
 public:
  using Take = std::function<void(std::string_view data)>;

  // Gives the data of each event that these bytes complete; several data lines are joined by LF. Names of events, ids
  // and retry hints carry nothing here: what kind an event is stands in its data too.
  void Feed(std::string_view bytes, const Take& take);
  // The end of the stream: what a missing blank line held back.
  void Finish(const Take& take);

 private:
  void EndLine(std::string_view line, bool lasts, const Take& take);
  void EndEvent(const Take& take);
  void Keep();

  std::string line_;             // of a line whose end has not come
  std::string data_;             // of the event, unless it is in `piece_`
  std::string_view piece_;       // of the bytes of this Feed
  bool in_piece_ = false;
  bool has_data_ = false;
  bool after_cr_ = false;
  bool first_line_ = true;
};

}  // namespace passnet::dialects
