// The evaluator's end of a hostile process's socket: whatever comes ends as bytes or an Error, and no descriptor stays.
#include "evaluator/lane/worker_channel.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>

#include "evaluator/worker/run_protocol.h"

namespace passnet::evaluator {
namespace {

using testing::HasSubstr;

constexpr uint32_t kMaxBytes = 1 << 20;

Deadline Soon() { return Deadline::After(std::chrono::seconds(20)); }

size_t OpenDescriptors() {
  std::filesystem::directory_iterator entries("/proc/self/fd"), end;
  return static_cast<size_t>(std::distance(entries, end));
}

class WorkerChannelTest : public testing::Test {
 protected:
  void SetUp() override {
    auto ends = WorkerChannel::Pair().value();
    ours_ = WorkerChannel(std::move(ends.first));
    theirs_ = std::move(ends.second);
  }

  // Bytes with `count` descriptors on the first of them, as a process writes them that follows no protocol.
  void Send(const std::string& bytes, size_t count = 0) {
    const UniqueFd null(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    std::vector<int> fds(count, null.get());
    std::vector<char> control(CMSG_SPACE(count * sizeof(int)));
    iovec part{const_cast<char*>(bytes.data()), bytes.size()};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    if (count > 0) {
      message.msg_control = control.data();
      message.msg_controllen = control.size();
      cmsghdr* header = CMSG_FIRSTHDR(&message);
      header->cmsg_level = SOL_SOCKET;
      header->cmsg_type = SCM_RIGHTS;
      header->cmsg_len = CMSG_LEN(count * sizeof(int));
      std::memcpy(CMSG_DATA(header), fds.data(), count * sizeof(int));
    }
    ASSERT_EQ(::sendmsg(theirs_.get(), &message, MSG_NOSIGNAL), static_cast<ssize_t>(bytes.size()));
  }

  static std::string Frame(const std::string& text) {
    const auto size = static_cast<uint32_t>(text.size());
    return std::string(reinterpret_cast<const char*>(&size), sizeof size) + text;
  }
  static std::string Reply(const PnRunReply& reply) {
    return {reinterpret_cast<const char*>(&reply), sizeof reply};
  }

  WorkerChannel ours_;
  UniqueFd theirs_;
};

TEST_F(WorkerChannelTest, DescriptorsThatAreExpectedArrive) {
  Send(Frame("{}"), 2);
  auto frame = ours_.ReceiveFrame(Soon(), kMaxBytes, 2);
  ASSERT_TRUE(frame) << frame.error().context;
  EXPECT_EQ(frame.value().json, "{}");
  EXPECT_EQ(frame.value().fds.size(), 2u);
  EXPECT_NE(::fcntl(frame.value().fds[1].get(), F_GETFD) & FD_CLOEXEC, 0);
}

TEST_F(WorkerChannelTest, DescriptorsThatNobodyAskedForAreClosed) {
  const size_t before = OpenDescriptors();
  for (size_t count : {1, 65, 253}) {
    SetUp();
    Send(Frame("{}"), count);
    const auto frame = ours_.ReceiveFrame(Soon(), kMaxBytes);
    ASSERT_FALSE(frame) << count;
    EXPECT_EQ(frame.error().code, ErrorCode::kDataCorrupt);
    EXPECT_THAT(frame.error().context, HasSubstr("descriptors"));
  }
  EXPECT_EQ(OpenDescriptors(), before);
}

// The kernel takes 253 with one message, so 300 come as two, the second of them inside the frame.
TEST_F(WorkerChannelTest, ThreeHundredDescriptorsAreClosed) {
  const size_t before = OpenDescriptors();
  const std::string frame = Frame("{\"installed\": true}");
  Send(frame.substr(0, 4), 253);
  Send(frame.substr(4), 47);
  EXPECT_EQ(ours_.ReceiveFrame(Soon(), kMaxBytes, kMaxFrameFds).error().code, ErrorCode::kDataCorrupt);
  SetUp();
  Send(frame.substr(0, 6));
  Send(frame.substr(6), 47);
  EXPECT_EQ(ours_.ReceiveFrame(Soon(), kMaxBytes, kMaxFrameFds).error().code, ErrorCode::kDataCorrupt);
  EXPECT_EQ(OpenDescriptors(), before);
}

TEST_F(WorkerChannelTest, RunAnswerBringsNoDescriptors) {
  const size_t before = OpenDescriptors();
  Send(Reply({7, PN_STATUS_OK, 3, 3}));
  auto answer = ours_.ReceiveRun(7, Soon());
  ASSERT_TRUE(answer) << answer.error().context;
  EXPECT_EQ(answer.value().calls, 3u);
  Send(Reply({7, PN_STATUS_OK, 3, 3}), 3);
  EXPECT_EQ(ours_.ReceiveRun(7, Soon()).error().code, ErrorCode::kDataCorrupt);
  EXPECT_EQ(OpenDescriptors(), before);
}

TEST_F(WorkerChannelTest, AnswerThatIsNoneIsAnError) {
  const PnRunReply others[] = {{8, PN_STATUS_OK, 1, 1}, {7, 2, 1, 1}, {7, ~0u, 1, 1}};
  for (const PnRunReply& other : others) {
    SetUp();
    Send(Reply(other));
    EXPECT_EQ(ours_.ReceiveRun(7, Soon()).error().code, ErrorCode::kDataCorrupt);
  }
  SetUp();
  const uint32_t size = PN_MAX_ERROR_BYTES + 1;
  Send(Reply({7, PN_STATUS_EXCEPTION, 1, 1}) + std::string(reinterpret_cast<const char*>(&size), sizeof size));
  EXPECT_EQ(ours_.ReceiveRun(7, Soon()).error().code, ErrorCode::kDataCorrupt);
  SetUp();
  Send(Reply({7, PN_STATUS_EXCEPTION, 1, 1}) + Frame("ValueError"));
  EXPECT_EQ(ours_.ReceiveRun(7, Soon()).value().error, "ValueError");
}

// A process that ends with a command unread resets the connection. That was "read: Connection reset by peer", an error of
// ours, and its graph was INFRA: a candidate had only to close its socket instead of answering.
TEST_F(WorkerChannelTest, ProcessThatEndsWithACommandUnreadHasEnded) {
  const auto ended = [&](auto receive) {
    SetUp();
    ASSERT_TRUE(ours_.SendRun(PN_RUN_CALL, 0, 1, 7));
    theirs_.Reset();
    EXPECT_EQ(receive().code, ErrorCode::kUnavailable);
  };
  ended([&] { return ours_.ReceiveRun(7, Soon()).error(); });
  ended([&] { return ours_.ReceiveFrame(Soon(), kMaxBytes).error(); });
  SetUp();
  theirs_.Reset();
  EXPECT_EQ(ours_.SendRun(PN_RUN_CALL, 0, 1, 7).error().code, ErrorCode::kUnavailable);
  EXPECT_EQ(ours_.SendFrame("{}", {}, Soon()).error().code, ErrorCode::kUnavailable);
}

TEST_F(WorkerChannelTest, ProcessThatNeverReadsIsLeftAtTheDeadline) {
  const std::string frame(8 << 20, ' ');
  const UniqueFd null(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  const auto soon = [] { return Deadline::After(std::chrono::milliseconds(100)); };
  EXPECT_EQ(ours_.SendFrame(frame, {}, soon()).error().code, ErrorCode::kDeadlineExceeded);
  SetUp();
  EXPECT_EQ(ours_.SendFrame(frame, {null.get()}, soon()).error().code, ErrorCode::kDeadlineExceeded);
  // Nor does it stop the evaluator with commands that it leaves unread.
  Status sent = OkStatus();
  for (int i = 0; i < 100'000 && sent; ++i) sent = ours_.SendRun(PN_RUN_CALL, 0, 1, 7);
  EXPECT_EQ(sent.error().code, ErrorCode::kDataCorrupt);
}

TEST_F(WorkerChannelTest, ProcessThatStopsInsideAFrameIsLeftAtTheDeadline) {
  Send(Frame(std::string(100, 'x')).substr(0, 50));
  const auto frame = ours_.ReceiveFrame(Deadline::After(std::chrono::milliseconds(50)), kMaxBytes);
  EXPECT_EQ(frame.error().code, ErrorCode::kDeadlineExceeded);
}

TEST_F(WorkerChannelTest, FrameOverTheLimitIsAnError) {
  Send(Frame(std::string(101, 'x')));
  EXPECT_EQ(ours_.ReceiveFrame(Soon(), 100).error().code, ErrorCode::kDataCorrupt);
  SetUp();
  Send(Frame(std::string(100, 'x')));
  EXPECT_EQ(ours_.ReceiveFrame(Soon(), 100).value().json.size(), 100u);
  const std::vector<int> many(kMaxFrameFds + 1, 0);
  EXPECT_EQ(ours_.SendFrame("{}", many, Soon()).error().code, ErrorCode::kInternal);
}

}  // namespace
}  // namespace passnet::evaluator
