#include "base/event.h"

#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <exception>

namespace passnet {
namespace {

namespace asio = boost::asio;

class EventTest : public ::testing::Test {
 protected:
  void Spawn(Task<void> task) {
    asio::co_spawn(loop_, std::move(task), [](std::exception_ptr thrown) {
      if (thrown) std::rethrow_exception(thrown);
    });
  }
  Task<void> WaitOnce(std::stop_token stop) {
    co_await event_.Wait(stop);
    ++woken_;
  }
  Task<void> WaitTwice() {
    std::stop_token never;
    co_await event_.Wait(never);
    ++woken_;
    co_await event_.Wait(never);
    ++woken_;
  }

  asio::io_context loop_;
  Event event_;
  int woken_ = 0;
};

TEST_F(EventTest, AllWhoWaitAreWokenOnce) {
  Spawn(WaitTwice());
  Spawn(WaitTwice());
  loop_.poll();
  EXPECT_EQ(woken_, 0);
  event_.NotifyAll();
  loop_.poll();
  EXPECT_EQ(woken_, 2) << "who waits again waits for the next one";
  event_.NotifyAll();
  loop_.run();
  EXPECT_EQ(woken_, 4);
}

TEST_F(EventTest, StopWakesWhoWaitsAndWhoComesLater) {
  std::stop_source stop;
  Spawn(WaitOnce(stop.get_token()));
  loop_.poll();
  stop.request_stop();
  Spawn(WaitOnce(stop.get_token()));
  loop_.run();
  EXPECT_EQ(woken_, 2);
}

TEST_F(EventTest, NotifiedWhileStoppingIsHarmless) {
  std::stop_source stop;
  Spawn(WaitOnce(stop.get_token()));
  loop_.poll();
  event_.NotifyAll();
  stop.request_stop();
  loop_.run();
  EXPECT_EQ(woken_, 1);
}

TEST(EventLifeTest, LoopMayEndUnderWhoWaits) {
  Event event;
  {
    asio::io_context loop;
    auto wait = [](Event* waited) -> Task<void> {
      std::stop_token never;
      co_await waited->Wait(never);
    };
    asio::co_spawn(loop, wait(&event), [](std::exception_ptr) {});
    loop.poll();
  }
  event.NotifyAll();
}

}  // namespace
}  // namespace passnet
