#include <math.h>
#include <passnet_kernel.h>

extern "C" int fused(const PnCall* call) {
  volatile float* nowhere = nullptr;
  *nowhere = static_cast<float>(call->num_inputs);
  return 0;
}
