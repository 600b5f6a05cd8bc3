#include "daemon/http_api/target.h"

#include <algorithm>
#include <string>
#include <utility>

namespace passnet::daemon {
namespace {

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

enum class Plus { kItself, kSpace };

Result<std::string> Decoded(std::string_view text, Plus plus) {
  std::string decoded;
  for (size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c == '+' && plus == Plus::kSpace) c = ' ';
    if (c == '%') {
      const int high = i + 2 < text.size() ? HexDigit(text[i + 1]) : -1;
      const int low = i + 2 < text.size() ? HexDigit(text[i + 2]) : -1;
      if (high < 0 || low < 0) return InvalidArgument("the request's target has a % without two hex digits");
      c = static_cast<char>(high * 16 + low);
      i += 2;
    }
    if (c == '\0') return InvalidArgument("the request's target has a NUL");
    decoded.push_back(c);
  }
  return decoded;
}

}  // namespace

Status ParseTarget(std::string_view target, Request* request) {
  if (!target.starts_with('/')) return InvalidArgument("the request's target must be a path");
  const size_t mark = target.find('?');
  ASSIGN_OR_RETURN(request->path, Decoded(target.substr(0, mark), Plus::kItself));
  std::string_view query = mark == std::string_view::npos ? std::string_view() : target.substr(mark + 1);
  while (!query.empty()) {
    const std::string_view pair = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(pair.size() + 1, query.size()));
    if (pair.empty()) continue;
    const size_t equals = pair.find('=');
    ASSIGN_OR_RETURN(std::string name, Decoded(pair.substr(0, equals), Plus::kSpace));
    std::string_view rest = equals == std::string_view::npos ? std::string_view() : pair.substr(equals + 1);
    ASSIGN_OR_RETURN(request->query[std::move(name)], Decoded(rest, Plus::kSpace));
  }
  return OkStatus();
}

}  // namespace passnet::daemon
