#include <passnet_kernel.h>
#include <string.h>

extern "C" int fused(const PnCall* call) {
  const float* x = static_cast<const float*>(call->inputs[0].data);
  float* out = static_cast<float*>(call->outputs[0].data);
  const int64_t rows = call->scalars[0].i;
  for (int64_t row = 0; row < rows; ++row) memcpy(out + row * 1024, x, 1024 * sizeof(float));
  return 0;
}
