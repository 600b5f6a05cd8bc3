#include "evaluator/device/shared_region.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

namespace passnet::evaluator {
namespace {

TEST(SharedRegionTest, TheOtherSideCannotShrinkIt) {
  auto region = SharedRegion::Create("test", 8192).value();
  EXPECT_NE(::ftruncate(region.fd(), 0), 0);
  EXPECT_NE(::ftruncate(region.fd(), 16384), 0);
  region.data()[8191] = std::byte{7};
  void* other = ::mmap(nullptr, 8192, PROT_READ, MAP_SHARED, region.fd(), 0);
  ASSERT_NE(other, MAP_FAILED);
  EXPECT_EQ(static_cast<std::byte*>(other)[8191], std::byte{7});
  ::munmap(other, 8192);
}

TEST(SharedRegionTest, FilesOfItAreReadOnlyForEveryone) {
  UniqueFd file = SharedRegion::FileOf("object", "bytes").value();
  EXPECT_LT(::pwrite(file.get(), "x", 1, 0), 0);
  char text[8] = {};
  EXPECT_EQ(::pread(file.get(), text, sizeof text, 0), 5);
  EXPECT_STREQ(text, "bytes");
}

}  // namespace
}  // namespace passnet::evaluator
