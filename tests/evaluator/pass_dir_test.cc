#include "evaluator/api/pass_dir.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace passnet::evaluator {
namespace {

using testing::HasSubstr;

std::string ProblemOf(const std::string& name) {
  auto checked = CheckPassFileName(name);
  return checked ? "" : checked.error().context;
}

TEST(CheckPassFileNameTest, NamesThatLeadOutAreRefused) {
  for (const char* good : {"a.py", "dir/a.cc", "A-b_c.1.h", "x.json", "notes.md"}) EXPECT_EQ(ProblemOf(good), "") << good;
  for (const char* bad : {"", "/a.py", "../a.py", "a/../b.py", "a//b.py", ".hidden.py", "a/.py", "a\\b.py", "a b.py",
                          "a.sh", "a", "a.py/", "a.\xC3\xA9.py", "~/a.py", "a:b.py", "./a.py", "a\nb.py"}) {
    EXPECT_NE(ProblemOf(bad), "") << bad;
  }
  EXPECT_NE(ProblemOf(std::string("a\0.py", 5)), "");
}

TEST(CheckPassFileNameTest, LengthIsBounded) {
  EXPECT_EQ(ProblemOf(std::string(kMaxPassFileNameBytes - 3, 'a') + ".py"), "");
  const std::string told = ProblemOf(std::string(kMaxPassFileNameBytes - 2, 'a') + ".py");
  EXPECT_THAT(told, HasSubstr("is longer than 200 bytes"));
  EXPECT_LT(told.size(), 200u);
}

// Which lane they need is the evaluation's to say: that a reply has the wrong form would be no reason to mend it.
TEST(CheckPassFileNameTest, CudaIsAKernelToo) {
  EXPECT_EQ(ProblemOf("k.cu"), "");
  EXPECT_EQ(ProblemOf("shared.cuh"), "");
}

TEST(PassDirHashTest, OrderDoesNotMatterBordersDo) {
  EXPECT_EQ(PassDirHash({{"a", "1"}, {"b", "2"}}), PassDirHash({{"b", "2"}, {"a", "1"}}));
  EXPECT_NE(PassDirHash({{"a", "1b"}}), PassDirHash({{"a1", "b"}}));
  // Stored in journals: it must not change.
  EXPECT_EQ(PassDirHash({{"A.py", "x = 1\n"}}), "5fe55e5cf64e6a502bb213fe17a86687b8853b461ea41205a5a9191d3ff6c295");
}

}  // namespace
}  // namespace passnet::evaluator
