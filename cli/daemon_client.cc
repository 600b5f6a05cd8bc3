#include "cli/daemon_client.h"

#include <httplib.h>

#include <chrono>
#include <cstdlib>
#include <thread>
#include <utility>

#include "agent/llm/url.h"
#include "base/json.h"
#include "base/secret.h"
#include "base/token_file.h"
#include "dialects/sse_parser.h"

namespace passnet::cli {
namespace {

constexpr int kRequestSeconds = 180;  // a launch may wait for the lane's start
constexpr int kSilenceSeconds = 30;   // the daemon sends a comment every 10 s
constexpr int kReconnects = 60;       // one a second

std::string Environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

ErrorCode CodeOf(const std::string& name, int status) {
  for (int i = 0; i <= static_cast<int>(ErrorCode::kInternal); ++i) {
    if (ErrorCodeName(static_cast<ErrorCode>(i)) == name) return static_cast<ErrorCode>(i);
  }
  return status < 500 ? ErrorCode::kInvalidArgument : ErrorCode::kUnavailable;
}

Json ParsedOrNull(std::string_view text) {
  auto json = ParseJson(text);
  return json ? std::move(json).value() : Json();
}

Error ToError(const httplib::Response& response) {
  const Json problem = ParsedOrNull(response.body);
  Error error{CodeOf(problem["code"].Text(), response.status),
              problem["detail"].TextOr("the daemon answered with status " + std::to_string(response.status))};
  if (response.status == 401) error.context += "; give it with --token-file or in PASSNETD_TOKEN";
  return error;
}

// Only a daemon of this machine is sent what one of this machine has published.
Result<Secret> TokenFor(const agent::Url& url, const std::string& token_file) {
  if (!token_file.empty()) return ReadTokenFile(token_file);
  if (std::string given = Environment("PASSNETD_TOKEN"); !given.empty()) return Secret(std::move(given));
  if (url.host != "127.0.0.1" && url.host != "::1" && url.host != "localhost") return Secret();
  auto published = FindPublishedToken(std::stoi(url.port));
  if (!published && published.error().code == ErrorCode::kNotFound) return Secret();
  return published;
}

}  // namespace

class DaemonClient::Impl {
 public:
  Impl(std::string url, const Secret& token) : url_(std::move(url)), client_(url_) {
    client_.set_connection_timeout(5, 0);
    client_.set_read_timeout(kRequestSeconds, 0);
    if (!token.empty()) headers_.emplace("Authorization", "Bearer " + token.Reveal());
  }

  Result<std::string> Answer(const httplib::Result& result) {
    if (!result) {
      return Error{ErrorCode::kUnavailable, "no passnetd answers at " + url_ + " (" + to_string(result.error()) +
                                                "); start one with passnetd --config FILE, or name it with --server"};
    }
    if (result->status < 200 || result->status > 299) return ToError(*result);
    return result->body;
  }

  // True when `take` has had enough; false when the stream broke off.
  Result<bool> FollowOnce(const std::string& path, int64_t* last_row,
                          const std::function<bool(std::string_view)>& take) {
    httplib::Client stream(url_);
    stream.set_connection_timeout(5, 0);
    stream.set_read_timeout(kSilenceSeconds, 0);
    httplib::Headers headers = headers_;
    headers.emplace("Last-Event-ID", std::to_string(*last_row));
    dialects::SseParser parser;
    bool enough = false;
    int status = 0;
    std::string refusal;
    auto on_header = [&](const httplib::Response& response) {
      status = response.status;
      return true;
    };
    auto on_bytes = [&](const char* bytes, size_t count) {
      if (status != 200) {
        refusal.append(bytes, count);
        return true;
      }
      parser.Feed(std::string_view(bytes, count), [&](std::string_view data) {
        *last_row = ParsedOrNull(data)["row_id"].Integer(*last_row);
        enough = enough || !take(std::string(data));
      });
      return !enough;
    };
    auto result = stream.Get(path, headers, on_header, on_bytes);
    if (enough) return true;
    if (status != 0 && status != 200) {
      httplib::Response response;
      response.status = status;
      response.body = refusal;
      return ToError(response);
    }
    return false;
  }

  const std::string url_;
  httplib::Client client_;
  httplib::Headers headers_;
};

DaemonClient::DaemonClient(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
DaemonClient::~DaemonClient() = default;

Result<std::unique_ptr<DaemonClient>> DaemonClient::Open(std::string url, const std::string& token_file) {
  if (url.empty()) url = Environment("PASSNETD_URL");
  if (url.empty()) url = "http://127.0.0.1:8760";
  ASSIGN_OR_RETURN(const agent::Url parsed, agent::ParseUrl(url, agent::Credentials::kRefused));
  ASSIGN_OR_RETURN(const Secret token, TokenFor(parsed, token_file));
  return std::unique_ptr<DaemonClient>(new DaemonClient(std::make_unique<Impl>(std::move(url), token)));
}

Result<std::string> DaemonClient::Get(const std::string& path) {
  return impl_->Answer(impl_->client_.Get(path, impl_->headers_));
}

Result<std::string> DaemonClient::Post(const std::string& path, const std::string& body) {
  return impl_->Answer(impl_->client_.Post(path, impl_->headers_, body, "application/json"));
}

Status DaemonClient::Follow(const std::string& path, const std::function<bool(std::string_view data)>& take) {
  int64_t last_row = 0;
  for (int attempt = 0; attempt < kReconnects; ++attempt) {
    int64_t before = last_row;
    ASSIGN_OR_RETURN(bool enough, impl_->FollowOnce(path, &last_row, take));
    if (enough) return OkStatus();
    if (last_row > before) attempt = 0;
    std::this_thread::sleep_for(std::chrono::seconds(1));
  }
  return Error{ErrorCode::kUnavailable,
               "the daemon at " + impl_->url_ + " is gone; campaigns go on once it is started"};
}

}  // namespace passnet::cli
