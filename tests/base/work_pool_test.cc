#include "base/work_pool.h"

#include <gtest/gtest.h>

#include <atomic>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <latch>
#include <optional>

namespace passnet {
namespace {

Task<void> AddOnPool(WorkPool* pool, std::optional<Result<int>>* out) {
  auto add = [thread = std::this_thread::get_id()]() -> Result<int> {
    return std::this_thread::get_id() == thread ? 0 : 42;
  };
  *out = co_await RunBlocking(pool, std::move(add));
}

TEST(WorkPoolTest, CoroutineResumesWithTheValueOfAnotherThread) {
  WorkPool pool("test", 1, 4);
  boost::asio::io_context loop;
  std::optional<Result<int>> out;
  boost::asio::co_spawn(loop, AddOnPool(&pool, &out), [](std::exception_ptr) {});
  loop.run();
  ASSERT_TRUE(out && *out);
  EXPECT_EQ(out->value(), 42);
}

TEST(WorkPoolTest, FullQueueRefuses) {
  std::latch started(1);
  std::latch release(1);
  WorkPool pool("test", 1, 1);
  ASSERT_TRUE(pool.Post([&] {
    started.count_down();
    release.wait();
  }));
  started.wait();
  ASSERT_TRUE(pool.Post([] {}));
  Status third = pool.Post([] {});
  release.count_down();
  ASSERT_FALSE(third);
  EXPECT_EQ(third.error().code, ErrorCode::kOverloaded);
}

TEST(WorkPoolTest, DestructorRunsWhatIsQueued) {
  std::atomic<int> done = 0;
  {
    WorkPool pool("test", 2, 100);
    for (int i = 0; i < 50; ++i) ASSERT_TRUE(pool.Post([&] { ++done; }));
  }
  EXPECT_EQ(done, 50);
}

}  // namespace
}  // namespace passnet
