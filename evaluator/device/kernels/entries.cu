// The kernels themselves: which group a thread does, and what a block's threads share. All else is in the headers, which
// the host runs too.
#include "evaluator/device/kernels/compare.h"
#include "evaluator/device/kernels/draw.h"

using namespace passnet::evaluator::kernels;

__device__ inline u64 GroupHere() { return static_cast<u64>(blockIdx.x) * kThreads + threadIdx.x; }

// A block has as many threads as a byte has values.
__device__ inline void FillTable(u32* table) {
  table[threadIdx.x] = RoundEntry(threadIdx.x);
  __syncthreads();
}

extern "C" __global__ void passnet_draw(const DrawTable* draw) {
  __shared__ u32 table[kThreads];
  FillTable(table);
  if (GroupHere() < draw->groups) DrawGroup(*draw, table, GroupHere());
}

extern "C" __global__ void passnet_claim_strays(const DrawTable* draw) {
  __shared__ u32 table[kThreads];
  FillTable(table);
  if (GroupHere() < draw->groups) ClaimStray(*draw, table, GroupHere());
}

extern "C" __global__ void passnet_write_strays(const DrawTable* draw) {
  __shared__ u32 table[kThreads];
  FillTable(table);
  if (GroupHere() < draw->groups) WriteStray(*draw, table, GroupHere());
}

extern "C" __global__ void passnet_compare(const CompareTable* compare) {
  if (GroupHere() < compare->groups) CompareGroup(*compare, GroupHere());
}
