// The API as an OpenAPI 3.1 document, made from the table that requests are routed by; the body of a launch is described
// from the list of fields that reads it.
// Threads: pure functions.
// Source: OpenAPI Specification 3.1.0; JSON Schema draft 2020-12.
#pragma once

#include <string>
#include <vector>

#include "daemon/http_api/router.h"

namespace passnet::daemon {

std::string OpenApiJson(const std::vector<RouteFacts>& routes, const std::string& version);

}  // namespace passnet::daemon
