// What the server answers, as a pure function of the request and its number: routes, recordings, both wire forms and
// the faults. No socket, no clock, no randomness: the same request always gets the same bytes.
// Threads: thread-compatible (counts requests). Owns: the library.
// Errors: none: every request gets an Answer; refusals are JSON errors in the form of the request's wire, OpenAI's where it
// has none.
// Source: docs/recorded_llm.md.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "recorded_llm/conversation.h"
#include "recorded_llm/fault.h"
#include "recorded_llm/wire.h"

namespace passnet::recorded_llm {

struct EndpointOptions {
  size_t chunk_bytes = 64;  // of text in one event of a stream; characters stay whole
  std::vector<FaultRule> faults;
};

struct Answer {
  enum class Ending {
    kWhole,
    kCloseInside,  // close the connection after the pieces, before the message ends
    kStallInside,  // send nothing more, but keep the connection
  };

  int status = 200;
  std::string content_type = "application/json";
  std::vector<std::pair<std::string, std::string>> headers;
  bool streamed = false;            // pieces go out one by one, as chunks
  std::vector<std::string> pieces;  // the body
  size_t missing_bytes = 0;         // of a body that is not streamed and ends early: announced, never sent
  Ending ending = Ending::kWhole;
};

class Endpoint {
 public:
  Endpoint(Library library, EndpointOptions options) : library_(std::move(library)), options_(std::move(options)) {}

  Answer Handle(std::string_view method, std::string_view target, std::string_view body);

  // In OpenAI's form; for what the server refuses before there is a request.
  static Answer Refuse(int status, std::string_view type, std::string_view code, const std::string& message);

 private:
  Answer Complete(const Wire& wire, std::string_view body);

  const Library library_;
  const EndpointOptions options_;
  int64_t completions_ = 0;  // requests for answers so far, on any wire
};

}  // namespace passnet::recorded_llm
