// Our own request and response, so that handlers know nothing of the HTTP library and it can be exchanged.
// Threads: values; a stream is used by one thread at a time.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace passnet::daemon {

struct Request {
  std::string method;
  std::string path;                            // decoded, without the query
  std::map<std::string, std::string> query;    // decoded; the last of equal names
  std::map<std::string, std::string> headers;  // those that the server keeps, by lower-case name
  std::string body;
  int port = 0;                                // of ours, that it came in on
  std::vector<std::string> parameters;         // what the route's {…} stand for, in order

  std::string Header(const std::string& name) const {
    auto found = headers.find(name);
    return found == headers.end() ? std::string() : found->second;
  }
  std::string Query(const std::string& name) const {
    auto found = query.find(name);
    return found == query.end() ? std::string() : found->second;
  }
};

// Hands bytes on; false when the client is gone.
using WriteFn = std::function<bool(std::string_view)>;
// Called again and again on a thread for streams; writes what there is or waits a little; false ends the stream.
using StreamFn = std::function<bool(const WriteFn&)>;

struct Response {
  int status = 200;
  std::string content_type = "application/json";
  std::string body;
  std::map<std::string, std::string> headers;
  StreamFn stream;    // when set, body is not used
  std::string route;  // the pattern that answered, empty for none: by this requests are counted
};

}  // namespace passnet::daemon
