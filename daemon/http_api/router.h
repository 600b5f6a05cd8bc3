// Paths to handlers, from one table that the OpenAPI document is made of too. A pattern's segment "{name}" stands for any
// one segment.
// Threads: immutable once filled; handlers run on many server threads at once.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "daemon/http_api/message.h"

namespace passnet::daemon {

using Handler = std::function<Response(const Request&)>;

struct RouteParameter {
  std::string name;
  std::string in;    // "query", "header"; those of the path are in the pattern
  std::string type;  // "string", "integer"
  std::string text;
  bool required = false;
};

// What a client is told of a route.
struct RouteFacts {
  std::string method;
  std::string pattern;
  std::string summary;
  int status = 200;  // of success
  std::string content_type = "application/json";
  std::string schema = {};  // of the answer, without "passnet."; empty: an object without a name, or text
  std::vector<RouteParameter> parameters = {};
  std::vector<int> problems = {};  // statuses that need the request: everyone may get 400, 401, 403, 415, 421, 500, 503
  bool open = false;               // no token is wanted
};

class Router {
 public:
  void Add(RouteFacts facts, Handler handler);
  // 404 for an unknown path, 405 with Allow for a known one, 500 for a handler that throws.
  Response Handle(Request request) const;

  std::vector<RouteFacts> routes() const;

 private:
  struct Route {
    RouteFacts facts;
    std::vector<std::string> segments;
    Handler handler;
  };
  std::vector<Route> routes_;
};

}  // namespace passnet::daemon
