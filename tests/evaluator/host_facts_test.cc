#include "evaluator/lane/host_facts.h"

#include <gtest/gtest.h>

#include <fstream>

#include "tests/fakes/temp_folder.h"

namespace passnet::evaluator {
namespace {

void WriteCache(const std::filesystem::path& folder, const std::string& level, const std::string& type,
                const std::string& size) {
  std::filesystem::create_directories(folder);
  std::ofstream(folder / "level") << level << "\n";
  std::ofstream(folder / "type") << type << "\n";
  std::ofstream(folder / "size") << size << "\n";
}

TEST(HostFactsTest, CachesAreThoseOfTheCoreWithoutTheOneForCode) {
  const fakes::TempFolder root("host_facts");
  WriteCache(root / "cpu3/cache/index0", "1", "Data", "48K");
  WriteCache(root / "cpu3/cache/index1", "1", "Instruction", "32K");
  WriteCache(root / "cpu3/cache/index2", "2", "Unified", "1024K");
  EXPECT_EQ(CachesOf(3, root.path()), "L1d 48K, L2 1024K");
  EXPECT_EQ(CachesOf(0, root.path()), "unknown");
}

}  // namespace
}  // namespace passnet::evaluator
