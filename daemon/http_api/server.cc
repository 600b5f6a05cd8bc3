#include "daemon/http_api/server.h"

#include <httplib.h>
#include <pthread.h>

#include <atomic>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "base/log.h"
#include "daemon/http_api/problem.h"

namespace passnet::daemon {
namespace {

constexpr int kKeepAliveSeconds = 2;   // chosen: an idle connection holds a thread
constexpr size_t kKeepAliveCount = 100;
constexpr int kWriteSeconds = 5;

class BoundedQueue : public httplib::TaskQueue {
 public:
  BoundedQueue(size_t threads, size_t capacity) : capacity_(capacity) {
    for (size_t i = 0; i < threads; ++i) {
      threads_.emplace_back([this] { Serve(); });
      pthread_setname_np(threads_.back().native_handle(), ("pn-http-" + std::to_string(i)).c_str());
    }
  }

  // Called by the accepting thread alone; waiting here is what bounds the connections in the process.
  void enqueue(std::function<void()> task) override {
    std::unique_lock lock(mutex_);
    space_.wait(lock, [this] { return queue_.size() < capacity_ || closing_; });
    queue_.push_back(std::move(task));
    lock.unlock();
    work_.notify_one();
  }

  void shutdown() override {
    {
      std::lock_guard lock(mutex_);
      closing_ = true;
    }
    work_.notify_all();
    space_.notify_all();
    for (std::thread& thread : threads_) thread.join();
  }

 private:
  void Serve() {
    for (;;) {
      std::function<void()> task;
      {
        std::unique_lock lock(mutex_);
        work_.wait(lock, [this] { return closing_ || !queue_.empty(); });
        if (queue_.empty()) return;
        task = std::move(queue_.front());
        queue_.pop_front();
      }
      space_.notify_one();
      task();
    }
  }

  const size_t capacity_;
  std::mutex mutex_;
  std::condition_variable work_;
  std::condition_variable space_;
  std::deque<std::function<void()>> queue_;  // guarded by mutex_
  bool closing_ = false;                     // guarded by mutex_
  std::vector<std::thread> threads_;
};

Request ToRequest(const httplib::Request& from) {
  Request request;
  request.method = from.method;
  request.path = from.path;
  for (const auto& [name, value] : from.params) request.query[name] = value;
  for (const char* name : {"host", "origin", "authorization", "last-event-id"}) {
    if (from.has_header(name)) request.headers[name] = from.get_header_value(name);
  }
  request.body = from.body;
  return request;
}

void Write(Response from, const std::shared_ptr<std::atomic<bool>>& stopping, httplib::Response* to) {
  to->status = from.status;
  for (const auto& [name, value] : from.headers) to->set_header(name.c_str(), value);
  if (!from.stream) {
    to->set_content(from.body, from.content_type.c_str());
    return;
  }
  auto stream = std::make_shared<StreamFn>(std::move(from.stream));
  to->set_chunked_content_provider(from.content_type, [stream, stopping](size_t, httplib::DataSink& sink) {
    WriteFn write = [&sink](std::string_view bytes) { return sink.write(bytes.data(), bytes.size()); };
    if (stopping->load() || !(*stream)(write)) sink.done();
    return true;
  });
}

}  // namespace

class HttpServer::Impl {
 public:
  Impl(const HttpOptions& options, const Guard* guard, const Router* router) : guard_(guard), router_(router) {
    auto threads = static_cast<size_t>(options.threads);
    auto queued = static_cast<size_t>(options.max_queued);
    server_.new_task_queue = [threads, queued] { return new BoundedQueue(threads, queued); };
    auto micros = static_cast<int64_t>(options.read_limit_s * 1e6);
    server_.set_read_timeout(micros / 1'000'000, micros % 1'000'000);
    server_.set_write_timeout(kWriteSeconds, 0);
    server_.set_keep_alive_timeout(kKeepAliveSeconds);
    server_.set_keep_alive_max_count(kKeepAliveCount);
    server_.set_payload_max_length(static_cast<size_t>(options.max_body_bytes));
    server_.set_tcp_nodelay(true);
    // The library's default is SO_REUSEPORT: a second daemon would share the port unnoticed.
    server_.set_socket_options([](socket_t socket) {
      int on = 1;
      ::setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    });
    Install();
  }

  Status Bind(const std::string& host, int port) {
    bool bound = false;
    if (port == 0) {
      port_ = server_.bind_to_any_port(host);
      bound = port_ > 0;
    } else {
      bound = server_.bind_to_port(host, port);
      port_ = port;
    }
    if (!bound) {
      return Error{ErrorCode::kAlreadyExists, "cannot listen on " + host + ":" + std::to_string(port) +
                                                  ": the port is taken or the address is not of this machine"};
    }
    accepting_ = std::thread([this] { server_.listen_after_bind(); });
    pthread_setname_np(accepting_.native_handle(), "pn-http-accept");
    // The socket listens already; Stop() only works once the accepting thread has begun.
    while (!server_.is_running()) std::this_thread::yield();
    return OkStatus();
  }

  void Stop() {
    stopping_->store(true);
    if (!accepting_.joinable()) return;
    server_.stop();
    accepting_.join();
  }

  int port() const { return port_; }

 private:
  void Install() {
    server_.set_pre_routing_handler([this](const httplib::Request& from, httplib::Response& to) {
      auto refusal = guard_->Refuse(ToRequest(from));
      if (!refusal) return httplib::Server::HandlerResponse::Unhandled;
      Write(std::move(*refusal), stopping_, &to);
      return httplib::Server::HandlerResponse::Handled;
    });
    auto handle = [this](const httplib::Request& from, httplib::Response& to) {
      Write(router_->Handle(ToRequest(from)), stopping_, &to);
    };
    server_.Get(".*", handle);
    server_.Post(".*", handle);
    server_.Put(".*", handle);
    server_.Patch(".*", handle);
    server_.Delete(".*", handle);
    server_.set_error_handler([this](const httplib::Request&, httplib::Response& to) {
      if (!to.body.empty() || to.status < 400) return;
      Write(Problem(to.status, "the request was refused"), stopping_, &to);
    });
    server_.set_exception_handler([this](const httplib::Request& from, httplib::Response& to, std::exception_ptr) {
      log::Err("daemon", "a handler threw", {{"path", from.path}});
      Write(Problem(500, "an internal error, see the daemon's log"), stopping_, &to);
    });
  }

  const Guard* const guard_;
  const Router* const router_;
  httplib::Server server_;
  int port_ = 0;
  std::shared_ptr<std::atomic<bool>> stopping_ = std::make_shared<std::atomic<bool>>(false);
  std::thread accepting_;
};

HttpServer::HttpServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
HttpServer::~HttpServer() { Stop(); }

Result<std::unique_ptr<HttpServer>> HttpServer::Start(const HttpOptions& options, const Guard* guard,
                                                      const Router* router) {
  auto impl = std::make_unique<Impl>(options, guard, router);
  RETURN_IF_ERROR(impl->Bind(options.host, static_cast<int>(options.port)));
  return std::unique_ptr<HttpServer>(new HttpServer(std::move(impl)));
}

int HttpServer::port() const { return impl_->port(); }
void HttpServer::Stop() { impl_->Stop(); }

}  // namespace passnet::daemon
