#include "trajectories/append_task.h"

#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <utility>

namespace passnet::trajectories {
namespace asio = boost::asio;

Task<Result<Appended>> AppendTask(Store* store, std::shared_ptr<const Batch> batch) {
  auto start = [store, batch = std::move(batch)](auto handler) {
    auto executor = asio::get_associated_executor(handler);
    // std::function wants a copyable callback; the handler is not.
    auto shared = std::make_shared<decltype(handler)>(std::move(handler));
    auto finish = [executor, shared, work = asio::make_work_guard(executor)](Result<Appended> result) {
      asio::post(executor, [shared, result = std::move(result)]() mutable { std::move (*shared)(std::move(result)); });
    };
    if (auto queued = store->AppendAsync(batch, finish); !queued) finish(queued.error());
  };
  co_return co_await asio::async_initiate<const asio::use_awaitable_t<>&, void(Result<Appended>)>(std::move(start),
                                                                                               asio::use_awaitable);
}

}  // namespace passnet::trajectories
