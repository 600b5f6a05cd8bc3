#include "daemon/http_api/problem.h"

#include "base/json.h"

namespace passnet::daemon {
namespace {

Response Make(int status, const Json& body) {
  Response response;
  response.status = status;
  response.content_type = "application/problem+json";
  response.body = body.Dump();
  if (status == 503) response.headers["Retry-After"] = "5";
  if (status == 401) response.headers["WWW-Authenticate"] = "Bearer";
  return response;
}

}  // namespace

const char* TitleOf(int status) {
  switch (status) {
    case 400: return "Bad Request";
    case 401: return "Unauthorized";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 408: return "Request Timeout";
    case 409: return "Conflict";
    case 413: return "Content Too Large";
    case 415: return "Unsupported Media Type";
    case 421: return "Misdirected Request";
    case 431: return "Request Header Fields Too Large";
    case 503: return "Service Unavailable";
    case 504: return "Gateway Timeout";
    default: return status < 500 ? "Request Refused" : "Internal Server Error";
  }
}

int StatusOf(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInvalidArgument: return 400;
    case ErrorCode::kNotFound: return 404;
    case ErrorCode::kAlreadyExists: return 409;
    case ErrorCode::kPermissionDenied: return 403;
    case ErrorCode::kResourceExhausted:
    case ErrorCode::kUnavailable:
    case ErrorCode::kOverloaded:
    case ErrorCode::kCancelled: return 503;
    case ErrorCode::kDeadlineExceeded: return 504;
    case ErrorCode::kDataCorrupt:
    case ErrorCode::kIo:
    case ErrorCode::kInternal: return 500;
  }
  return 500;
}

Response Problem(const Error& error) {
  int status = StatusOf(error.code);
  return Make(status, {{"type", "about:blank"},
                       {"title", TitleOf(status)},
                       {"status", status},
                       {"code", ErrorCodeName(error.code)},
                       {"detail", error.context}});
}

Response Problem(int status, const std::string& detail) {
  return Make(status, {{"type", "about:blank"}, {"title", TitleOf(status)}, {"status", status}, {"detail", detail}});
}

}  // namespace passnet::daemon
