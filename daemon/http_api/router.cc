#include "daemon/http_api/router.h"

#include <algorithm>
#include <utility>

#include "daemon/http_api/problem.h"

namespace passnet::daemon {
namespace {

std::vector<std::string> Segments(const std::string& path) {
  std::vector<std::string> segments;
  for (size_t at = 0; at < path.size();) {
    size_t end = std::min(path.find('/', at + 1), path.size());
    segments.push_back(path.substr(at + 1, end - at - 1));
    at = end;
  }
  return segments;
}

bool Matches(const std::vector<std::string>& pattern, const std::vector<std::string>& path,
             std::vector<std::string>* parameters) {
  if (pattern.size() != path.size()) return false;
  parameters->clear();
  for (size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i] == "{}" && !path[i].empty()) {
      parameters->push_back(path[i]);
    } else if (pattern[i] != path[i]) {
      return false;
    }
  }
  return true;
}

}  // namespace

void Router::Add(std::string method, const std::string& pattern, Handler handler) {
  routes_.push_back({std::move(method), Segments(pattern), std::move(handler)});
}

Response Router::Handle(Request request) const {
  std::vector<std::string> path = Segments(request.path);
  std::string method = request.method == "HEAD" ? "GET" : request.method;
  std::string allowed;
  for (const Route& route : routes_) {
    if (!Matches(route.segments, path, &request.parameters)) continue;
    if (route.method == method) return route.handler(request);
    allowed += (allowed.empty() ? "" : ", ") + route.method;
  }
  if (allowed.empty()) return Problem(404, "there is nothing at " + request.path);
  Response response = Problem(405, request.method + " is not for " + request.path);
  response.headers["Allow"] = allowed;
  return response;
}

}  // namespace passnet::daemon
