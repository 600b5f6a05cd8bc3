// Every error of the API as application/problem+json (RFC 9457), and the one mapping from ErrorCode to HTTP status.
// Threads: pure functions.
#pragma once

#include <string>

#include "base/error.h"
#include "daemon/http_api/message.h"

namespace passnet::daemon {

int StatusOf(ErrorCode code);
const char* TitleOf(int status);
Response Problem(const Error& error);
// For errors that HTTP itself knows: 404 of a path, 405, 413, …
Response Problem(int status, const std::string& detail);

}  // namespace passnet::daemon
