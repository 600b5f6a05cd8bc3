#include "base/file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

#include "tests/fakes/temp_folder.h"

namespace passnet {
namespace {

class FileTest : public testing::Test {
 protected:
  void SetUp() override {
    std::filesystem::create_directories(root_ / "sub");
    std::ofstream(root_ / "sub" / "a.txt") << "hello";
    std::ofstream(root_.native() + "-outside") << "secret";
  }
  const fakes::TempFolder temp_{"file"};
  const std::filesystem::path root_ = temp_ / "root";
};

TEST_F(FileTest, ReadsUpToTheLimitAndNotBeyond) {
  EXPECT_EQ(ReadFile(root_ / "sub/a.txt", 5).value(), "hello");
  auto cut = ReadFile(root_ / "sub/a.txt", 4);
  ASSERT_TRUE(cut.has_error());
  EXPECT_EQ(cut.error().code, ErrorCode::kResourceExhausted);
  EXPECT_NE(cut.error().context.find("limit of 4 bytes"), std::string::npos);
}

TEST_F(FileTest, FifoIsRefusedWithoutWaiting) {
  ASSERT_EQ(::mkfifo((root_ / "pipe").c_str(), 0600), 0);
  EXPECT_EQ(ReadFile(root_ / "pipe", 10).error().code, ErrorCode::kInvalidArgument);
}

TEST_F(FileTest, BeneathStaysBeneath) {
  EXPECT_EQ(ReadFileBeneath(root_, "sub/a.txt", 10).value(), "hello");
  EXPECT_EQ(ReadFileBeneath(root_, "sub/../sub/a.txt", 10).value(), "hello");
  EXPECT_TRUE(ReadFileBeneath(root_, "../" + root_.filename().native() + "-outside", 10).has_error());
  EXPECT_TRUE(ReadFileBeneath(root_, "/etc/passwd", 10000).has_error());
  std::filesystem::create_symlink(root_ / "sub/a.txt", root_ / "link");
  EXPECT_EQ(ReadFileBeneath(root_, "link", 10).error().code, ErrorCode::kInvalidArgument);
}

TEST_F(FileTest, AtomicWriteReplacesAndLeavesNoTemporary) {
  ASSERT_TRUE(WriteFileAtomic(root_ / "out", "one").has_value());
  ASSERT_TRUE(WriteFileAtomic(root_ / "out", "two").has_value());
  EXPECT_EQ(ReadFile(root_ / "out", 10).value(), "two");
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(root_), {}), 2);
  EXPECT_EQ(WriteFileAtomic(root_ / "missing/out", "x").error().code, ErrorCode::kNotFound);
}

}  // namespace
}  // namespace passnet
