// What the doctor says of GPUs, over a machine that exists in this test alone.
#include "evaluator/gpu_probe/gpu_check.h"

#include <gmock/gmock.h>

namespace passnet::gpu_probe {
namespace {

using sandbox::Capability;
using sandbox::GpuAccess;
using sandbox::HostGpu;
using testing::HasSubstr;

const std::vector<Trial> kAllIsWell = {{"driver", true, "/usr/lib/libcuda.so.1, CUDA 13.0"}, {"device", true, "a device"},
                                       {"memory export", true, "2 MiB"}, {"kernel", true, "right"},
                                       {"clock noise", true, "quiet"}, {"management", true, "driver 580"},
                                       {"MIG", true, "off"}, {"persistence", true, "on"}, {"other users", true, "none"}};

class FakeHost : public GpuHost {
 public:
  std::vector<HostGpu> Gpus() override { return gpus; }
  bool HasNodes() override { return nodes; }
  Result<GpuAccess> Access(const HostGpu&) override { return access; }
  Result<std::vector<Trial>> TryPlain(const HostGpu&) override { return plain; }
  Result<std::vector<Trial>> TryInJail(const HostGpu&, const GpuAccess&, const std::string& library) override {
    ++jails;
    library_in_jail = library;
    return jailed;
  }
  std::string RefusedCalls(const HostGpu&, const GpuAccess&, const std::string&) override { return refused; }
  bool HasControlGroups() override { return groups; }

  std::vector<HostGpu> gpus = {{0, "GPU-1", "NVIDIA H100", "0000:01:00.0"}};
  bool nodes = true, groups = true;
  Result<GpuAccess> access = GpuAccess{{"/dev/nvidiactl", "/dev/nvidia0"}, {}};
  Result<std::vector<Trial>> plain = kAllIsWell, jailed = kAllIsWell;
  int jails = 0;
  std::string refused;
  std::string library_in_jail;
};

const Capability& RowOf(const std::vector<Capability>& rows, const std::string& name) {
  static const Capability kNone{"no such row", false, false, "", ""};
  for (const Capability& row : rows) {
    if (row.name == name) return row;
  }
  return kNone;
}

void ExpectEachIsOkOrSaysWhatToDo(const std::vector<Capability>& rows) {
  for (const Capability& row : rows) {
    EXPECT_FALSE(row.why.empty()) << row.name;
    EXPECT_EQ(row.fix.empty(), row.ok) << row.name;
  }
}

TEST(GpuCheckTest, MachineWithoutAGpuSaysSoAndNothingElse) {
  FakeHost host;
  host.gpus.clear();
  host.nodes = false;
  for (const bool required : {false, true}) {
    const std::vector<Capability> rows = CheckGpus(host, required);
    ASSERT_EQ(rows.size(), 1u);
    EXPECT_EQ(rows[0].name, "GPU");
    EXPECT_EQ(rows[0].why, "no GPU");
    EXPECT_FALSE(rows[0].ok);
    EXPECT_EQ(rows[0].required, required);
  }
  host.nodes = true;  // a container that was given nodes and no /proc
  EXPECT_THAT(CheckGpus(host, false)[0].why, HasSubstr("no GPU in /proc/driver/nvidia/gpus"));
}

TEST(GpuCheckTest, WhatWorksIsARowEach) {
  FakeHost host;
  const std::vector<Capability> rows = CheckGpus(host, true);
  ExpectEachIsOkOrSaysWhatToDo(rows);
  EXPECT_EQ(rows.size(), kAllIsWell.size() + 3);
  for (const Capability& row : rows) EXPECT_TRUE(row.ok) << row.name;
  EXPECT_EQ(RowOf(rows, "GPU 0: device nodes").why, "NVIDIA H100: /dev/nvidiactl, /dev/nvidia0");
  EXPECT_EQ(RowOf(rows, "GPU 0: kernel").why, "right");
  EXPECT_TRUE(RowOf(rows, "GPU 0: in a candidate's jail").ok);
  EXPECT_EQ(host.library_in_jail, "/usr/lib/libcuda.so.1");
}

// Noise, MIG and other users make figures worse; they do not keep anybody from evaluating.
TEST(GpuCheckTest, OnlyWhatStandsInTheWayIsRequired) {
  FakeHost host;
  for (Trial& trial : *host.plain) trial.ok = false;
  host.groups = false;
  const std::vector<Capability> rows = CheckGpus(host, true);
  ExpectEachIsOkOrSaysWhatToDo(rows);
  for (const char* name : {"driver", "device", "memory export", "kernel"}) {
    EXPECT_TRUE(RowOf(rows, std::string("GPU 0: ") + name).required) << name;
  }
  for (const char* name : {"clock noise", "management", "MIG", "persistence", "other users"}) {
    EXPECT_FALSE(RowOf(rows, std::string("GPU 0: ") + name).required) << name;
  }
  EXPECT_TRUE(RowOf(rows, "GPU: control groups").required);
  for (const Capability& row : CheckGpus(host, false)) EXPECT_FALSE(row.required) << row.name;
}

TEST(GpuCheckTest, JailIsNotTriedWhereNothingWorksOutside) {
  FakeHost host;
  host.plain = std::vector<Trial>{{"driver", false, "cuInit: CUDA_ERROR_NO_DEVICE (100)"}};
  std::vector<Capability> rows = CheckGpus(host, true);
  EXPECT_EQ(host.jails, 0);
  EXPECT_EQ(RowOf(rows, "GPU 0: driver").why, "cuInit: CUDA_ERROR_NO_DEVICE (100)");
  host.plain = Error{ErrorCode::kUnavailable, "passnet-gpu-probe said nothing"};
  rows = CheckGpus(host, true);
  ExpectEachIsOkOrSaysWhatToDo(rows);
  EXPECT_EQ(RowOf(rows, "GPU 0: trials").why, "passnet-gpu-probe said nothing");
  EXPECT_EQ(host.jails, 0);
}

TEST(GpuCheckTest, JailThatRefusesTheDriverIsNamed) {
  FakeHost host;
  host.jailed = std::vector<Trial>{{"driver", false, "cuInit: CUDA_ERROR_OPERATING_SYSTEM (304)"}};
  Capability row = RowOf(CheckGpus(host, true), "GPU 0: in a candidate's jail");
  EXPECT_FALSE(row.ok);
  EXPECT_EQ(row.why, "driver: cuInit: CUDA_ERROR_OPERATING_SYSTEM (304)");
  EXPECT_THAT(row.fix, HasSubstr("When the jail refuses the driver"));
  host.refused = "eventfd2 (290)";
  EXPECT_THAT(RowOf(CheckGpus(host, true), "GPU 0: in a candidate's jail").why,
              HasSubstr("(304); the filter refused eventfd2 (290)"));
  host.refused.clear();
  host.jailed = std::vector<Trial>{{"driver", true, "a driver"}};  // and then it ended
  EXPECT_EQ(RowOf(CheckGpus(host, true), "GPU 0: in a candidate's jail").why, "it ended before its kernel");
  host.jailed = Error{ErrorCode::kUnavailable, "no jail here"};
  EXPECT_EQ(RowOf(CheckGpus(host, true), "GPU 0: in a candidate's jail").why, "no jail here");
}

TEST(GpuCheckTest, MissingNodeEndsTheTrialsOfItsGpuAlone) {
  FakeHost host;
  host.gpus.push_back({1, "GPU-2", "NVIDIA H100", "0000:02:00.0"});
  host.access = NotFound("/dev/nvidia-uvm is no device node");
  const std::vector<Capability> rows = CheckGpus(host, true);
  ExpectEachIsOkOrSaysWhatToDo(rows);
  EXPECT_EQ(RowOf(rows, "GPU 0: device nodes").why, "/dev/nvidia-uvm is no device node");
  EXPECT_FALSE(RowOf(rows, "GPU 1: device nodes").ok);
  EXPECT_EQ(rows.size(), 3u);
}

}  // namespace
}  // namespace passnet::gpu_probe
