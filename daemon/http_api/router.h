// Paths to handlers. A pattern's segment "{}" stands for any one segment.
// Threads: immutable once filled; handlers run on many server threads at once.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "daemon/http_api/message.h"

namespace passnet::daemon {

using Handler = std::function<Response(const Request&)>;

class Router {
 public:
  void Add(std::string method, const std::string& pattern, Handler handler);
  // 404 for an unknown path, 405 with Allow for a known one.
  Response Handle(Request request) const;

 private:
  struct Route {
    std::string method;
    std::vector<std::string> segments;
    Handler handler;
  };
  std::vector<Route> routes_;
};

}  // namespace passnet::daemon
