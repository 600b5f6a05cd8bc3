// The benches of a lane on a device, each run to its end: they print their figures, and nothing is asserted of those. Beside
// them the campaign of the bundled tasks through the real daemon.
#include <gtest/gtest.h>

#include <cstdio>
#include <string>
#include <vector>

#include "base/file.h"
#include "tests/fakes/child.h"
#include "tests/fakes/temp_folder.h"
#include "tests/gpu/device_under_test.h"

namespace passnet {
namespace {

constexpr size_t kMostPrinted = 1u << 20;

class DeviceFiguresTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!under_test_.why_not.empty()) GTEST_SKIP() << under_test_.why_not;
  }

  // How often it measures: as often as a figure needs, or once, to see that it works.
  const char* Often(const char* on_gpu) const { return under_test_.stand_in ? "2" : on_gpu; }

  void Bench(const std::string& name, std::vector<std::string> arguments) {
    arguments.insert(arguments.end(), {"--device", under_test_.lane_device, "--json"});
    const std::string output = folder_ / "output", log = folder_ / "log";
    const auto end = fakes::RunChild({.program = "bench_" + name, .arguments = arguments, .output = output, .log = log});
    ASSERT_TRUE(end) << end.error().context;
    const auto said = ReadFile(output, kMostPrinted), told = ReadFile(log, kMostPrinted);
    std::printf("%s\n", said ? said.value().c_str() : "");
    EXPECT_EQ(end.value().exit_code, 0) << (told ? told.value() : "");
    EXPECT_TRUE(said && said.value().find("\"passnet.bench/1\"") != std::string::npos);
  }

  std::vector<std::string> OnDriver(std::vector<std::string> arguments) const {
    if (under_test_.stand_in) arguments.insert(arguments.end(), {"--stand-in", under_test_.driver_library});
    return arguments;
  }

  const fakes::DeviceUnderTest& under_test_ = fakes::TheDevice();
  const fakes::TempFolder folder_{"figures"};
};

TEST_F(DeviceFiguresTest, EagerAgainstItself) { Bench("aa_noise", OnDriver({"--runs", Often("10")})); }

TEST_F(DeviceFiguresTest, EvaluationsAMinute) { Bench("eval_throughput", OnDriver({"--count", Often("5")})); }

TEST_F(DeviceFiguresTest, CampaignOfTheBundledTasks) {
  const char* tasks = under_test_.stand_in ? "2" : "10";
  Bench("campaigns", OnDriver({"--real-lane", "--trajectories", tasks, "--tasks", tasks, "--turns", "2", "--plateau-rounds", "1",
                               "--concurrency", "2"}));
}

}  // namespace
}  // namespace passnet
