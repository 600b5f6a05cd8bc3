#include "daemon/http_api/router.h"

#include <algorithm>
#include <exception>
#include <utility>

#include "base/log.h"
#include "base/text.h"
#include "daemon/http_api/problem.h"

namespace passnet::daemon {
namespace {

constexpr size_t kMaxShownPath = 200;  // of a stranger's path in an answer

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
    if (pattern[i].starts_with('{') && !path[i].empty()) {
      parameters->push_back(path[i]);
    } else if (pattern[i] != path[i]) {
      return false;
    }
  }
  return true;
}

Response AnswerOf(const Handler& handler, const Request& request) {
  try {
    return handler(request);
  } catch (const std::exception& thrown) {
    log::Err("daemon", "a handler threw", {{"path", request.path}, {"error", std::string(thrown.what())}});
  }
  return Problem(500, "an internal error, see the daemon's log");
}

}  // namespace

void Router::Add(RouteFacts facts, Handler handler) {
  std::vector<std::string> segments = Segments(facts.pattern);
  routes_.push_back({std::move(facts), std::move(segments), std::move(handler)});
}

Response Router::Handle(Request request) const {
  std::vector<std::string> path = Segments(request.path);
  std::string method = request.method == "HEAD" ? "GET" : request.method;
  std::string allowed;
  for (const Route& route : routes_) {
    if (!Matches(route.segments, path, &request.parameters)) continue;
    if (route.facts.method == method) {
      Response response = AnswerOf(route.handler, request);
      response.route = route.facts.pattern;
      return response;
    }
    allowed += (allowed.empty() ? "" : ", ") + route.facts.method;
  }
  if (allowed.empty()) return Problem(404, "there is nothing at " + OneLine(request.path, kMaxShownPath));
  Response response = Problem(405, request.method + " is not for " + OneLine(request.path, kMaxShownPath));
  response.headers["Allow"] = allowed;
  return response;
}

std::vector<RouteFacts> Router::routes() const {
  std::vector<RouteFacts> facts;
  for (const Route& route : routes_) facts.push_back(route.facts);
  return facts;
}

}  // namespace passnet::daemon
