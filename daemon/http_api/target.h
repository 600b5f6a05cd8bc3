// A request's target as path and query.
// Threads: pure functions.
// Errors: kInvalidArgument (not a path, a broken escape, a NUL).
// Source: RFC 9112, section 3.2.1 (origin-form); the query as browsers write forms (WHATWG URL, section 5).
#pragma once

#include <string_view>

#include "base/result.h"
#include "daemon/http_api/message.h"

namespace passnet::daemon {

// Fills path and query. Only the form that begins with a slash: whole URLs, "*" and host:port are for proxies.
Status ParseTarget(std::string_view target, Request* request);

}  // namespace passnet::daemon
