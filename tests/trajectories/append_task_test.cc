#include "trajectories/append_task.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <thread>

#include "tests/trajectories/journal_fixture.h"

namespace passnet::trajectories {
namespace {

class AppendTaskTest : public JournalTest {
 protected:
  Result<Appended> AppendOnLoop(std::shared_ptr<const Batch> batch) {
    boost::asio::io_context loop;
    std::optional<Result<Appended>> result;
    auto loop_thread = std::this_thread::get_id();
    auto task = [](Store* store, std::shared_ptr<const Batch> content, std::optional<Result<Appended>>* out,
                   std::thread::id expected) -> Task<void> {
      *out = co_await AppendTask(store, std::move(content));
      EXPECT_EQ(std::this_thread::get_id(), expected);
    };
    boost::asio::co_spawn(loop, task(store_.get(), std::move(batch), &result, loop_thread),
                          [](std::exception_ptr error) { ASSERT_EQ(error, nullptr); });
    loop.run();
    return *result;
  }
};

TEST_F(AppendTaskTest, ResumesOnTheLoopAfterTheCommit) {
  OpenStore();
  auto appended = AppendOnLoop(OneEvent(Draft(EventKind::kCampaignLaunched, "demo")));
  ASSERT_TRUE(appended) << ToString(appended.error());
  EXPECT_EQ(appended.value().last_row_id, 1);
  EXPECT_EQ(OpenReader()->LastRowId().value(), 1);
}

TEST_F(AppendTaskTest, RefusalComesBackAsAResult) {
  StoreOptions options = Options();
  options.queue_batches = 0;
  OpenStore(options);
  auto refused = AppendOnLoop(OneEvent(Draft(EventKind::kCampaignLaunched, "demo")));
  EXPECT_EQ(refused.error().code, ErrorCode::kOverloaded);
}

}  // namespace
}  // namespace passnet::trajectories
