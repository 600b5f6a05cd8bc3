// The calls of libnvrtc that passnet makes. Nothing is compiled: the image names the entries of the source, and the stand-in
// driver runs the same source as the host's compiler made it.
#include <cstring>
#include <iterator>
#include <string>
#include <type_traits>

#include "evaluator/device/nvrtc.h"
#include "tests/fakes/libcuda/control.h"

using namespace passnet::evaluator::cuda;

extern "C" passnet::fakes::FakeCudaControl* passnet_fake_cuda_control();

#define CALL extern "C" __attribute__((visibility("default")))

namespace {

constexpr int kArchitectures[] = {75, 80, 90};
constexpr char kEntry[] = "extern \"C\" __global__ void ";
constexpr char kRefused[] = "entries.cu(1): error: of the stand-in compiler";

struct FakeProgram {
  std::string source, image;
};
FakeProgram& Of(Program program) { return *reinterpret_cast<FakeProgram*>(program); }

int Fails(const char* call) {
  passnet::fakes::FakeCudaControl& control = *passnet_fake_cuda_control();
  return std::strcmp(control.failing_call, call) == 0 && control.failing_after.fetch_sub(1) <= 0 ? control.failing_code : 0;
}

int Give(Program program, char* image) {
  std::memcpy(image, Of(program).image.c_str(), Of(program).image.size() + 1);
  return 0;
}

}  // namespace

CALL int nvrtcVersion(int* major, int* minor) {
  *major = 13;
  *minor = 0;
  return 0;
}
CALL const char* nvrtcGetErrorString(int) { return "of the stand-in compiler"; }
CALL int nvrtcGetNumSupportedArchs(int* count) {
  *count = static_cast<int>(std::size(kArchitectures));
  return Fails("nvrtcGetNumSupportedArchs");
}
CALL int nvrtcGetSupportedArchs(int* architectures) {
  std::memcpy(architectures, kArchitectures, sizeof kArchitectures);
  return 0;
}
CALL int nvrtcCreateProgram(Program* program, const char* source, const char*, int, const char* const*, const char* const*) {
  if (const int code = Fails("nvrtcCreateProgram"); code != 0) return code;
  *program = reinterpret_cast<Program>(new FakeProgram{source, ""});
  ++passnet_fake_cuda_control()->live;
  return 0;
}
CALL int nvrtcDestroyProgram(Program* program) {
  delete &Of(*program);
  --passnet_fake_cuda_control()->live;
  return 0;
}
CALL int nvrtcCompileProgram(Program program, int, const char* const* words) {
  FakeProgram& made = Of(program);
  made.image = std::string(words[0]) + "\n";
  for (size_t at = made.source.find(kEntry); at != std::string::npos; at = made.source.find(kEntry, at + 1)) {
    const size_t name = at + std::strlen(kEntry);
    made.image += ".entry " + made.source.substr(name, made.source.find('(', name) - name) + "(\n";
  }
  return Fails("nvrtcCompileProgram");
}
CALL int nvrtcGetProgramLogSize(Program, size_t* bytes) {
  *bytes = sizeof kRefused;
  return 0;
}
CALL int nvrtcGetProgramLog(Program, char* log) {
  std::memcpy(log, kRefused, sizeof kRefused);
  return 0;
}
CALL int nvrtcGetCUBINSize(Program program, size_t* bytes) {
  *bytes = Of(program).image.size() + 1;
  return Fails("nvrtcGetCUBINSize");
}
CALL int nvrtcGetCUBIN(Program program, char* image) { return Give(program, image); }
CALL int nvrtcGetPTXSize(Program program, size_t* bytes) { return nvrtcGetCUBINSize(program, bytes); }
CALL int nvrtcGetPTX(Program program, char* image) { return Give(program, image); }

// The signatures of the table.
static_assert(std::is_same_v<decltype(&nvrtcVersion), decltype(Nvrtc::nvrtcVersion)>);
static_assert(std::is_same_v<decltype(&nvrtcGetErrorString), decltype(Nvrtc::nvrtcGetErrorString)>);
static_assert(std::is_same_v<decltype(&nvrtcGetNumSupportedArchs), decltype(Nvrtc::nvrtcGetNumSupportedArchs)>);
static_assert(std::is_same_v<decltype(&nvrtcGetSupportedArchs), decltype(Nvrtc::nvrtcGetSupportedArchs)>);
static_assert(std::is_same_v<decltype(&nvrtcCreateProgram), decltype(Nvrtc::nvrtcCreateProgram)>);
static_assert(std::is_same_v<decltype(&nvrtcDestroyProgram), decltype(Nvrtc::nvrtcDestroyProgram)>);
static_assert(std::is_same_v<decltype(&nvrtcCompileProgram), decltype(Nvrtc::nvrtcCompileProgram)>);
static_assert(std::is_same_v<decltype(&nvrtcGetProgramLogSize), decltype(Nvrtc::nvrtcGetProgramLogSize)>);
static_assert(std::is_same_v<decltype(&nvrtcGetProgramLog), decltype(Nvrtc::nvrtcGetProgramLog)>);
static_assert(std::is_same_v<decltype(&nvrtcGetCUBINSize), decltype(Nvrtc::nvrtcGetCUBINSize)>);
static_assert(std::is_same_v<decltype(&nvrtcGetCUBIN), decltype(Nvrtc::nvrtcGetCUBIN)>);
static_assert(std::is_same_v<decltype(&nvrtcGetPTXSize), decltype(Nvrtc::nvrtcGetPTXSize)>);
static_assert(std::is_same_v<decltype(&nvrtcGetPTX), decltype(Nvrtc::nvrtcGetPTX)>);
