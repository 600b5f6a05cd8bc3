#include <math.h>
#include <passnet_kernel.h>

namespace {

int Down(volatile char* above) {
  volatile char block[4096];
  block[0] = above[0];
  return Down(block) + block[0];
}

}  // namespace

extern "C" int fused(const PnCall* call) {
  volatile char top = static_cast<char>(call->num_inputs);
  return Down(&top);
}
