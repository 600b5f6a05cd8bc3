// What of a GPU's driver is found and shown, over a tree that looks like the parts of /dev, /proc and /sys that matter.
#include "sandbox/gpu.h"

#include <fcntl.h>
#include <unistd.h>

#include <filesystem>

#include <gmock/gmock.h>

#include "base/file.h"
#include "base/unique_fd.h"
#include "sandbox/plan.h"
#include "tests/fakes/temp_folder.h"

namespace passnet::sandbox {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr char kInformation[] =
    "Model: \t\t NVIDIA H100 80GB HBM3\nIRQ:   \t\t 45\nGPU UUID: \t GPU-01234567-89ab-cdef-0123-456789abcdef\n"
    "Video BIOS: \t 96.00\nDevice Minor: \t 3\nGPU Excluded:\t No\n";

class GpuTest : public testing::Test {
 protected:
  // A link to /dev/null stands for a node: what counts is what it leads to.
  void Node(const std::string& name) { fs::create_symlink("/dev/null", Made("/dev/" + name)); }
  void Gpu(const std::string& address, const std::string& information) {
    ASSERT_FALSE(WriteFileAtomic(Made("/proc/driver/nvidia/gpus/" + address + "/information"), information).has_error());
  }
  fs::path Made(const std::string& path) {
    const fs::path whole = root() + path;
    fs::create_directories(whole.parent_path());
    return whole;
  }
  std::string root() const { return folder_.path().native(); }

  const fakes::TempFolder folder_{"gpu"};
};

TEST_F(GpuTest, MachineWithoutTheDriverHasNone) { EXPECT_THAT(HostGpus(root()), IsEmpty()); }

TEST_F(GpuTest, GpusAreReadInOrderAndWhatIsOddIsLeftOut) {
  Gpu("0000:65:00.0", kInformation);
  Gpu("0000:17:00.0", "Model: A100\nGPU UUID: GPU-?\nDevice Minor: 0\n");
  Gpu("0000:99:00.0", "Model: half a file\n");
  Gpu("0000:98:00.0", "Device Minor: 1x\n");
  const std::vector<HostGpu> gpus = HostGpus(root());
  ASSERT_EQ(gpus.size(), 2u);
  EXPECT_EQ(gpus[0].pci_address, "0000:17:00.0");
  EXPECT_EQ(gpus[0].uuid, "") << "the driver has not read it yet";
  EXPECT_EQ(gpus[1].minor, 3);
  EXPECT_EQ(gpus[1].model, "NVIDIA H100 80GB HBM3");
  EXPECT_EQ(gpus[1].uuid, "GPU-01234567-89ab-cdef-0123-456789abcdef");
}

TEST_F(GpuTest, ItsOwnNodesAndNoOthersAreShown) {
  for (const char* name : {"nvidiactl", "nvidia0", "nvidia3", "nvidia-uvm", "nvidia-modeset", "nvidia-caps/nvidia-cap1"}) Node(name);
  fs::create_directories(root() + "/sys/devices/pci0000:64/0000:65:00.0");
  fs::create_directory_symlink("../../../devices/pci0000:64/0000:65:00.0", Made("/sys/bus/pci/devices/0000:65:00.0"));
  const HostGpu gpu{3, "", "", "0000:65:00.0"};
  const Result<GpuAccess> access = AccessTo(gpu, root());
  ASSERT_TRUE(access) << access.error().context;
  EXPECT_THAT(access->nodes, ElementsAre(root() + "/dev/nvidiactl", root() + "/dev/nvidia3", root() + "/dev/nvidia-uvm"));
  EXPECT_THAT(access->files, ElementsAre(root() + "/sys/bus/pci/devices", root() + "/sys/devices/pci0000:64/0000:65:00.0"));
  Node("nvidia-uvm-tools");
  EXPECT_EQ(AccessTo(gpu, root())->nodes.back(), root() + "/dev/nvidia-uvm-tools");
  RootSpec jail;
  const size_t before = jail.devices.size();
  ShowGpu(*access, &jail);
  EXPECT_EQ(jail.devices.size(), before + 3);
  EXPECT_EQ(jail.read_only, access->files);
}

TEST_F(GpuTest, MissingNodeIsNamedWithWhatMakesIt) {
  Node("nvidiactl");
  Node("nvidia0");
  ASSERT_FALSE(WriteFileAtomic(root() + "/dev/nvidia-uvm", "no node").has_error());
  const Result<GpuAccess> access = AccessTo({0, "", "", ""}, root());
  ASSERT_FALSE(access);
  EXPECT_THAT(access.error().context, HasSubstr("/dev/nvidia-uvm is no device node: run nvidia-modprobe -c 0 -u"));
}

TEST(GpuNodesTest, OpenOnesAreFoundUnderAnyName) {
  EXPECT_THAT(*OpenNodes(getpid(), {"/dev/full"}), IsEmpty());
  const UniqueFd open_one(open("/dev/full", O_RDWR | O_CLOEXEC));
  const fakes::TempFolder folder("gpu_nodes");
  fs::create_symlink("/dev/full", folder / "nvidia0");
  EXPECT_THAT(*OpenNodes(getpid(), {folder / "nvidia0", "/dev/random"}), ElementsAre((folder / "nvidia0").native()));
  EXPECT_TRUE(OpenNodes(1 << 30, {"/dev/full"}).has_error());
}

TEST(GpuPlanTest, LaneWithoutAGpuHasNoneToUse) {
  CandidateOptions options;
  options.uses_gpu = true;
  EXPECT_EQ(CandidatePlan(options).error().code, ErrorCode::kInvalidArgument);
}

}  // namespace
}  // namespace passnet::sandbox
