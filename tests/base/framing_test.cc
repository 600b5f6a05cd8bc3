#include "base/framing.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <thread>

#include "base/unique_fd.h"

namespace passnet {
namespace {

struct Channel {
  Channel() {
    int ends[2];
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    here.Reset(ends[0]);
    there.Reset(ends[1]);
  }
  UniqueFd here, there;
};

Deadline Soon() { return Deadline::After(std::chrono::seconds(5)); }

TEST(FramingTest, LargeFrameCrossesWhole) {
  Channel channel;
  std::string sent(3 << 20, 'x');
  std::thread writer([&] { EXPECT_TRUE(WriteFrame(channel.here.get(), sent, Soon()).has_value()); });
  EXPECT_EQ(ReadFrame(channel.there.get(), Soon()).value(), sent);
  writer.join();
}

TEST(FramingTest, AnnouncedLengthOverTheLimitIsCorrupt) {
  Channel channel;
  ASSERT_EQ(::write(channel.here.get(), "\xff\xff\xff\xff", 4), 4);
  EXPECT_EQ(ReadFrame(channel.there.get(), Soon()).error().code, ErrorCode::kDataCorrupt);
}

TEST(FramingTest, CloseInsideAFrameIsTold) {
  Channel channel;
  ASSERT_EQ(::write(channel.here.get(), "\x05\x00\x00\x00he", 6), 6);
  channel.here.Reset();
  auto frame = ReadFrame(channel.there.get(), Soon());
  EXPECT_EQ(frame.error().code, ErrorCode::kUnavailable);
  EXPECT_EQ(frame.error().context, "the other side closed inside a frame");
}

TEST(FramingTest, SilenceEndsAtTheDeadline) {
  Channel channel;
  auto frame = ReadFrame(channel.there.get(), Deadline::After(std::chrono::milliseconds(5)));
  EXPECT_EQ(frame.error().code, ErrorCode::kDeadlineExceeded);
}

}  // namespace
}  // namespace passnet
