/* passnet_kernel.h, version 1: the C interface of a native kernel (`pass_dir/<kernel>.cc` or `.cu`).
 *
 * A kernel file exports one or more functions of the type PnKernel with C linkage:
 *
 *     #include <passnet_kernel.h>
 *     extern "C" int fused(const PnCall* call) {
 *       const float* x = (const float*)call->inputs[0].data;
 *       ...
 *       return 0;                       // anything else: runtime failure, call->error is the message
 *     }
 *
 * and the pass calls it from Python, having allocated the outputs:
 *
 *     import passnet_kernels
 *     _k = passnet_kernels.load("bias_gelu")            # bias_gelu.cc
 *     _k.fused((x, bias), (out,), (1e-5, 3))            # inputs, outputs, scalars (int or float), any may be ()
 *
 * Tensors are passed as they are: strided, any dtype; nothing is copied. byte_offset is always 0 (data points at the
 * first element). strides count elements, not bytes, and are never NULL. Outputs must not be resized.
 * A .cc is built with: g++ -std=c++20 -O3 -march=native -fPIC -shared. No torch headers are there. A .cu, for GPU lanes, is
 * built by nvcc -std=c++20 -O3 for the lane's device alone. Its tensors are the device's, and it launches on call->stream:
 *
 *     fused_kernel<<<blocks, threads, 0, (cudaStream_t)call->stream>>>(...);
 *     return cudaGetLastError() == cudaSuccess ? 0 : 1;
 *
 * The tensor layout is DLPack's DLTensor (https://dmlc.github.io/dlpack/latest/c_api.html), restated here so that a
 * kernel needs no other header.
 */
#ifndef PASSNET_KERNEL_H_
#define PASSNET_KERNEL_H_

#include <stddef.h>
#include <stdint.h>

#define PASSNET_KERNEL_ABI 1

#ifdef __cplusplus
extern "C" {
#endif

#ifndef DLPACK_VERSION
typedef enum { kDLCPU = 1, kDLCUDA = 2 } DLDeviceType;
typedef enum { kDLInt = 0U, kDLUInt = 1U, kDLFloat = 2U, kDLBfloat = 4U, kDLComplex = 5U, kDLBool = 6U } DLDataTypeCode;
typedef struct {
  DLDeviceType device_type;
  int32_t device_id;
} DLDevice;
typedef struct {
  uint8_t code; /* DLDataTypeCode */
  uint8_t bits;
  uint16_t lanes; /* always 1 */
} DLDataType;
typedef struct {
  void* data;
  DLDevice device;
  int32_t ndim;
  DLDataType dtype;
  int64_t* shape;
  int64_t* strides;
  uint64_t byte_offset;
} DLTensor;
#endif

typedef struct {
  int32_t is_float; /* 1: use f, 0: use i */
  int32_t reserved;
  int64_t i;
  double f;
} PnScalar;

typedef struct {
  uint32_t abi_version; /* PASSNET_KERNEL_ABI */
  int32_t num_threads;  /* the lane's thread count; a kernel must not use more */
  int32_t num_inputs;
  int32_t num_outputs;
  int32_t num_scalars;
  int32_t reserved;
  const DLTensor* inputs;  /* [num_inputs] */
  const DLTensor* outputs; /* [num_outputs]; data is written by the kernel */
  const PnScalar* scalars; /* [num_scalars] */
  void* stream;            /* CUDA: the current cudaStream_t; CPU: NULL */
  char* error;             /* a NUL-terminated message may be written here on failure */
  size_t error_size;
} PnCall;

typedef int (*PnKernel)(const PnCall* call);

#ifdef __cplusplus
}
#endif
#endif
