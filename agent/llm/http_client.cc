#include "agent/llm/http_client.h"

#include <algorithm>
#include <optional>
#include <stop_token>
#include <utility>

#include "agent/llm/url.h"

namespace passnet::agent {
namespace {

using dialects::Dialect;
using dialects::ExchangeEnd;
using dialects::RawReply;
using dialects::WireRequest;

bool IsHeaderText(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](unsigned char c) { return c >= 0x20 && c != 0x7F; });
}

// The lines between the request line and Content-Length.
Result<std::string> RenderHeaders(const EndpointOptions& options, const Url& url) {
  std::string head = "Host: " + url.HostHeader() + "\r\n";
  head += "Content-Type: application/json\r\nAccept: application/json, text/event-stream\r\nUser-Agent: passnetd\r\n";
  if (!IsHeaderText(options.api_key.Reveal())) {
    return InvalidArgument("the API key holds a control character (a line end at its end?)");
  }
  for (const auto& [name, value] : options.headers) {
    bool clean =
        !name.empty() && IsHeaderText(name) && IsHeaderText(value) && name.find_first_of(": ") == std::string::npos;
    if (!clean) return InvalidArgument("request header \"" + name + "\": not a name and a value on one line");
    head += name + ": " + value + "\r\n";
  }
  return head;
}

}  // namespace

Result<std::unique_ptr<HttpClient>> HttpClient::Create(EndpointOptions options, const Dialect& dialect,
                                                       std::unique_ptr<Connector> connector, const Clock& clock) {
  auto url = ParseUrl(options.base_url, Credentials::kRefused);
  if (!url) return url.error().Prefixed("base URL \"" + options.base_url + "\"");
  ASSIGN_OR_RETURN(std::string headers, RenderHeaders(options, url.value()));
  std::string path = std::move(url.value().path);
  return std::unique_ptr<HttpClient>(new HttpClient(std::move(options), dialect, std::move(connector), clock,
                                                    std::move(path), std::move(headers)));
}

HttpClient::HttpClient(EndpointOptions options, const Dialect& dialect, std::unique_ptr<Connector> connector,
                       const Clock& clock, std::string path, std::string headers)
    : options_(std::move(options)),
      dialect_(dialect),
      connector_(std::move(connector)),
      clock_(clock),
      path_(std::move(path)),
      headers_(std::move(headers)) {}

std::string HttpClient::Render(const WireRequest& request) const {
  std::string own;
  for (const auto& [name, value] : request.dialect->HeadersWith(options_.api_key.Reveal())) {
    own += name + ": " + value + "\r\n";
  }
  return "POST " + request.dialect->TargetAt(path_) + " HTTP/1.1\r\n" + headers_ + own +
         "Content-Length: " + std::to_string(request.body->size()) + "\r\n\r\n" + *request.body;
}

Task<RawReply> HttpClient::Send(WireRequest request, AttemptLimits limits, std::stop_token cancel) {
  Call call{request.dialect, Render(request), limits, Deadline::After(limits.total, clock_), cancel};
  RawReply reply;
  bool closed_meanwhile = false;
  if (auto kept = TakeIdle()) {
    ExchangeResult result = co_await ExchangeOn(std::move(kept), &call);
    closed_meanwhile = result.untouched;
    reply = std::move(result.reply);
  }
  // Also when nothing was kept: the reply is then still empty.
  if (closed_meanwhile || !reply.sent) {
    reply = co_await SendOnFresh(&call);
    reply.asked_on_fresh = closed_meanwhile;
  }
  HideKey(&reply);
  co_return reply;
}

Task<RawReply> HttpClient::SendOnFresh(const Call* call) {
  SteadyTime started = clock_.Now();
  Deadline connect_by = Deadline::After(call->limits.connect, clock_).Earlier(call->total);
  Result<std::unique_ptr<ByteStream>> stream = co_await connector_->Connect(connect_by, call->cancel);
  if (!stream) co_return ConnectFailure(stream.error(), *call);
  Nanos connect = clock_.Now() - started;
  ExchangeResult result = co_await ExchangeOn(std::move(stream.value()), call);
  result.reply.connect = connect;
  result.reply.total += connect;
  co_return std::move(result.reply);
}

Task<ExchangeResult> HttpClient::ExchangeOn(std::unique_ptr<ByteStream> stream, const Call* call) {
  ExchangePorts ports{stream.get(), call->dialect, &clock_};
  ExchangeResult result = co_await Exchange(ports, call->request, call->limits, call->total, call->cancel);
  if (result.reusable) Keep(std::move(stream));
  co_return result;
}

RawReply HttpClient::ConnectFailure(const Error& error, const Call& call) const {
  RawReply reply;
  reply.error = error.context;
  reply.end = ExchangeEnd::kConnectFailed;
  if (error.code == ErrorCode::kCancelled) reply.end = ExchangeEnd::kCancelled;
  if (error.code == ErrorCode::kDeadlineExceeded) {
    reply.end = call.total.Passed(clock_) ? ExchangeEnd::kTotalTimeout : ExchangeEnd::kConnectTimeout;
  }
  if (error.code == ErrorCode::kPermissionDenied) reply.end = ExchangeEnd::kPeerUntrusted;
  return reply;
}

// The youngest first: it is the least likely to have been closed.
std::unique_ptr<ByteStream> HttpClient::TakeIdle() {
  SteadyTime oldest = clock_.Now() - options_.max_idle_age;
  while (!idle_.empty()) {
    Idle youngest = std::move(idle_.back());
    idle_.pop_back();
    if (youngest.since < oldest) {
      idle_.clear();
      break;
    }
    if (youngest.stream->SeemsIdle()) return std::move(youngest.stream);
  }
  return nullptr;
}

void HttpClient::Keep(std::unique_ptr<ByteStream> stream) {
  if (options_.max_idle_connections == 0) return;
  if (idle_.size() >= options_.max_idle_connections) idle_.erase(idle_.begin());
  idle_.push_back({std::move(stream), clock_.Now()});
}

// Some gateways echo the request's headers in their error pages, and replies are stored and exported.
void HttpClient::HideKey(RawReply* reply) const {
  const std::string& key = options_.api_key.Reveal();
  constexpr size_t kShortestSecret = 8;  // chosen: a shorter "key" is a placeholder such as "none"
  if (key.size() < kShortestSecret) return;
  if (reply->body.find(key) != std::string::npos) reply->read = nullptr;  // it has read what is not stored
  for (size_t at = reply->body.find(key); at != std::string::npos; at = reply->body.find(key, at)) {
    reply->body.replace(at, key.size(), "[api key]");
  }
}

Result<std::unique_ptr<LlmClient>> OpenClient(EndpointOptions options) {
  auto target = ParseUrl(options.base_url, Credentials::kRefused);
  if (!target) return target.error().Prefixed("base URL \"" + options.base_url + "\"");
  std::optional<Url> proxy;
  if (!options.proxy_url.empty()) {
    auto parsed = ParseUrl(options.proxy_url, Credentials::kAllowed);
    if (!parsed) return parsed.error().Prefixed("proxy URL");
    if (parsed.value().tls)
      return InvalidArgument("proxy URL: only http:// proxies are spoken to; TLS runs inside the tunnel");
    proxy = std::move(parsed.value());
  }
  ASSIGN_OR_RETURN(auto connector, OpenConnector(std::move(target.value()), std::move(proxy), options.ca_file));
  const Dialect& dialect = *options.dialect;
  ASSIGN_OR_RETURN(std::unique_ptr<LlmClient> client,
                   HttpClient::Create(std::move(options), dialect, std::move(connector), Clock::System()));
  return client;
}

}  // namespace passnet::agent
