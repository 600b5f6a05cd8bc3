#include "dialects/raw_reply.h"

#include <gtest/gtest.h>

#include "tests/dialects/replies.h"

namespace passnet::dialects {
namespace {

TEST(RawReplyTest, StoredReplyComesBackWhole) {
  RawReply reply;
  reply.end = ExchangeEnd::kIdleTimeout;
  reply.sent = true;
  reply.asked_on_fresh = true;
  reply.status = 429;
  reply.headers = {{"retry-after", "7"}, {"x-request-id", "r\"1"}};
  reply.body = std::string("a\0\xFF", 3);
  reply.error = "why";
  reply.connect = Nanos(3);
  reply.first_byte = Nanos(4);
  reply.total = Nanos(5);
  std::string facts = ReplyFactsToJson(reply);
  auto back = ReplyFromStored(facts, reply.body);
  ASSERT_TRUE(back) << back.error().context;
  EXPECT_EQ(ReplyFactsToJson(back.value()), facts);
  EXPECT_EQ(back.value().headers, reply.headers);
  EXPECT_EQ(back.value().body, reply.body);
  EXPECT_EQ(back.value().end, ExchangeEnd::kIdleTimeout);
}

TEST(RawReplyTest, EveryEndHasItsOwnName) {
  for (int i = 0; i <= static_cast<int>(ExchangeEnd::kCancelled); ++i) {
    RawReply reply;
    reply.end = static_cast<ExchangeEnd>(i);
    auto back = ReplyFromStored(ReplyFactsToJson(reply), "");
    ASSERT_TRUE(back);
    EXPECT_EQ(back.value().end, reply.end);
  }
}

TEST(RawReplyTest, BrokenFactsAreCorrupt) {
  const std::string whole = ReplyFactsToJson({});
  std::vector<std::string> broken = {"", "[]", "{}", "{\"end\":7}", "nonsense", "{\"end\":" + Nested() + "}"};
  for (const char* key : {"asked_on_fresh", "end", "headers", "sent", "status", "total_ns"}) {
    std::string lost = whole;
    lost.replace(lost.find(key), 1, "_");
    broken.push_back(lost);
  }
  for (const std::string& facts : broken) {
    auto back = ReplyFromStored(facts, "");
    ASSERT_FALSE(back) << facts;
    EXPECT_EQ(back.error().code, ErrorCode::kDataCorrupt);
  }
}

}  // namespace
}  // namespace passnet::dialects
