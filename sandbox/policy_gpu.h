// The ioctl(2) commands of NVIDIA's driver that a CUDA program needs, by number: what its compute and utility parts use
// (gVisor's list for the same purpose). Left out on purpose: EXPORT_TO_DMABUF_FD and whatever graphics or video want;
// XFER_CMD, behind whose pointer any other command stands; and the tools of the memory driver, which read and write
// other processes' memory.
// The driver looks at a command's number and size alone, so that a wrong type or direction would reach it all the same:
// here both must be right, and the size may be any, since it differs between drivers.
// What no filter can see: RM_CONTROL's and RM_ALLOC's own commands and classes, which stand behind a pointer.
// Threads: pure. Errors: none.
// Source: NVIDIA/open-gpu-kernel-modules: nv-ioctl-numbers.h, nv_escape.h, uvm_linux_ioctl.h, uvm_ioctl.h;
// google/gvisor: pkg/sentry/devices/nvproxy/seccomp_filters.go.
#pragma once

#include <linux/ioctl.h>

#include <cstdint>
#include <vector>

namespace passnet::sandbox {

inline constexpr uint64_t kIoctlSizeBits = static_cast<uint64_t>(_IOC_SIZEMASK) << _IOC_SIZESHIFT;

// Of /dev/nvidiactl and /dev/nvidiaN, as _IOWR('F', number, size 0).
inline std::vector<uint64_t> GpuFrontendCommands() {
  constexpr uint32_t kNumbers[] = {
      200 /* CARD_INFO */,         201 /* REGISTER_FD */,        206 /* ALLOC_OS_EVENT */,
      207 /* FREE_OS_EVENT */,     210 /* CHECK_VERSION_STR */,  212 /* ATTACH_GPUS_TO_FD */,
      214 /* SYS_PARAMS */,        215 /* NUMA_INFO */,          218 /* WAIT_OPEN_COMPLETE */,
      0x27 /* RM_ALLOC_MEMORY */,  0x29 /* RM_FREE */,           0x2a /* RM_CONTROL */,
      0x2b /* RM_ALLOC */,         0x34 /* RM_DUP_OBJECT */,     0x35 /* RM_SHARE */,
      0x4a /* RM_VID_HEAP_CONTROL */, 0x4e /* RM_MAP_MEMORY */,  0x4f /* RM_UNMAP_MEMORY */,
      0x5e /* RM_UPDATE_DEVICE_MAPPING_INFO */};
  std::vector<uint64_t> commands;
  for (uint32_t number : kNumbers) commands.push_back(_IOC(_IOC_READ | _IOC_WRITE, 'F', number, 0));
  return commands;
}

// Of /dev/nvidia-uvm: plain numbers without type, direction or size. Small ones mean something on other descriptors
// too; on the devices of a jail Landlock's right to ioctl decides (ABI 5).
inline std::vector<uint64_t> GpuMemoryCommands() {
  return {0x30000001 /* INITIALIZE */,
          0x30000002 /* DEINITIALIZE */,
          23 /* CREATE_RANGE_GROUP */,
          24 /* DESTROY_RANGE_GROUP */,
          25 /* REGISTER_GPU_VASPACE */,
          26 /* UNREGISTER_GPU_VASPACE */,
          27 /* REGISTER_CHANNEL */,
          28 /* UNREGISTER_CHANNEL */,
          29 /* ENABLE_PEER_ACCESS */,
          30 /* DISABLE_PEER_ACCESS */,
          31 /* SET_RANGE_GROUP */,
          33 /* MAP_EXTERNAL_ALLOCATION */,
          34 /* FREE */,
          37 /* REGISTER_GPU */,
          38 /* UNREGISTER_GPU */,
          39 /* PAGEABLE_MEM_ACCESS */,
          42 /* SET_PREFERRED_LOCATION */,
          43 /* UNSET_PREFERRED_LOCATION */,
          45 /* DISABLE_READ_DUPLICATION */,
          47 /* UNSET_ACCESSED_BY */,
          51 /* MIGRATE */,
          53 /* MIGRATE_RANGE_GROUP */,
          65 /* MAP_DYNAMIC_PARALLELISM_REGION */,
          66 /* UNMAP_EXTERNAL */,
          68 /* ALLOC_SEMAPHORE_POOL */,
          72 /* VALIDATE_VA_RANGE */,
          73 /* CREATE_EXTERNAL_RANGE */,
          75 /* MM_INITIALIZE */};
}

}  // namespace passnet::sandbox
