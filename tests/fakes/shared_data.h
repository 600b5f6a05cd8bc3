// Where tests find the measured data (real tasks, score oracles, upstream logs), and what happens when it is absent:
// the case is skipped with the reason, or fails when PASSNET_REQUIRE_DATA=1 says that the data must be there.
// Threads: thread-compatible.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <string>

namespace passnet::fakes {

// $PASSNET_DATA_DIR, or shared/data beside the source folder.
std::filesystem::path SharedDataDir();

// The path of one file or folder of it: SharedData("passbench/INDEX.tsv").
std::filesystem::path SharedData(const std::string& relative);

bool SharedDataIsRequired();
std::string SharedDataAdvice(const std::filesystem::path& path);

}  // namespace passnet::fakes

// First statement of a test (or of SetUp) that reads `relative` below the data folder.
#define PASSNET_NEEDS_SHARED_DATA(relative)                                              \
  do {                                                                                   \
    const std::filesystem::path needed_ = ::passnet::fakes::SharedData(relative);        \
    if (!std::filesystem::exists(needed_)) {                                             \
      if (::passnet::fakes::SharedDataIsRequired()) {                                    \
        FAIL() << ::passnet::fakes::SharedDataAdvice(needed_);                           \
      }                                                                                  \
      GTEST_SKIP() << ::passnet::fakes::SharedDataAdvice(needed_);                       \
    }                                                                                    \
  } while (false)
