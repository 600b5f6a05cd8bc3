// Task<T>: the coroutine type of everything that runs on the loop thread.
// Threads: loop-only. Parameters of coroutines are taken by value; no lock and no transaction lives across co_await.
#pragma once

#include <boost/asio/awaitable.hpp>

namespace passnet {

template <typename T>
using Task = boost::asio::awaitable<T>;

}  // namespace passnet
