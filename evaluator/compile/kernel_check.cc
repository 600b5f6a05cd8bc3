#include "evaluator/compile/kernel_check.h"

#include <array>
#include <utility>

#include "evaluator/compile/dependencies.h"
#include "evaluator/compile/imports.h"
#include "evaluator/compile/shared_object.h"

namespace passnet::evaluator {
namespace {

constexpr size_t kMaxName = 200;
constexpr size_t kMaxText = 2000;

class Check {
 public:
  explicit Check(std::string_view source, KernelKind kind = KernelKind::kCpp) : source_(source), kind_(kind) {}

  void Add(std::string rule, std::string text) {
    if (findings_.size() < kMaxKernelFindings) findings_.push_back({source_, 0, std::move(rule), std::move(text)});
  }
  void Add(std::vector<KernelFinding> found) {
    for (KernelFinding& finding : found) {
      if (findings_.size() < kMaxKernelFindings) findings_.push_back(std::move(finding));
    }
  }
  // What of `files` is neither the candidate's own nor in `folders`.
  void Files(const std::vector<std::string>& files, const std::vector<std::string>& folders);
  void Object(std::string_view bytes, bool target_clones);
  std::vector<KernelFinding> Take() { return std::move(findings_); }

 private:
  void Tables(const SharedObject& object, bool target_clones);
  void LoadFunctions(const std::vector<std::string>& names);

  std::string source_;
  KernelKind kind_;
  std::vector<KernelFinding> findings_;
};

void Check::Files(const std::vector<std::string>& files, const std::vector<std::string>& folders) {
  for (const std::string& file : ForeignFiles(files, folders)) {
    Add("H10.include", "the compiler read " + file.substr(0, kMaxName) + ", which is neither one of the candidate's files "
                                                                         "nor a header of the system");
  }
}

void Check::Object(std::string_view bytes, bool target_clones) {
  auto object = ReadSharedObject(bytes);
  if (object) {
    Tables(object.value(), target_clones);
  } else {
    Add("L1.object", object.error().context);
  }
}

void Check::Tables(const SharedObject& object, bool target_clones) {
  for (const std::string& symbol : object.imports) {
    const auto rule = RuleAgainstImport(symbol, kind_);
    if (rule) {
      Add(*rule, "the compiled kernel calls " + symbol.substr(0, kMaxName) + ": it computes on the tensors that it was "
                                                                             "given, and nothing else");
    }
  }
  for (const std::string& library : object.needed) {
    if (!IsPlainLibrary(library, kind_)) Add("T6.library", "the compiled kernel needs " + library.substr(0, kMaxName));
  }
  for (const std::string& tag : object.odd_tags) Add("T6.library", "the compiled kernel has the dynamic entry " + tag);
  if (object.writable_code) Add("H8.memory", "the compiled kernel has memory that is written and executed");
  // target_clones makes the compiler write resolvers of its own; ifunc, which runs the candidate's, is an attribute that is
  // refused by name.
  if (!object.resolvers.empty() && !target_clones) {
    Add("T6.attribute", "the compiled kernel chooses " + object.resolvers[0].substr(0, kMaxName) + " when it is loaded");
  }
  LoadFunctions(object.load_functions);
}

// Beside what belongs to the compiler's runtime one function a file may run when the kernel is loaded: the one in which the
// compiler collects the initialisers of static objects (std::cout's among them). It can do nothing that the first call
// could not.
void Check::LoadFunctions(const std::vector<std::string>& names) {
  constexpr std::array kRuntime = {"frame_dummy", "__do_global_dtors_aux", "__cpu_indicator_init", "init_cpu_features"};
  size_t initialisers = 0, registrations = 0;
  for (const std::string& name : names) {
    bool known = false;
    for (const char* runtime : kRuntime) known = known || name == runtime;
    if (name.starts_with("_GLOBAL__sub_I_") || name.starts_with("_GLOBAL__sub_D_")) known = ++initialisers <= 2;
    // nvcc's own: tells the CUDA runtime of the device code.
    if (kind_ == KernelKind::kCuda && name.ends_with("__sti____cudaRegisterAllv")) known = ++registrations <= 1;
    if (known) continue;
    Add("T6.attribute", "the compiled kernel runs " + name.substr(0, kMaxName) +
                            " when it is loaded: let static objects be constant (constexpr), or static inside the function "
                            "that uses them");
  }
}

}  // namespace

std::vector<KernelFinding> CheckKernel(const KernelProducts& products, const std::vector<std::string>& folders) {
  Check check(products.source);
  check.Files(ReadDependencies(products.dependencies), folders);
  Preprocessed preprocessed = ScreenPreprocessed(products.preprocessed);
  check.Add(std::move(preprocessed.findings));
  check.Object(products.object, preprocessed.target_clones);
  return check.Take();
}

std::vector<KernelFinding> CheckCudaKernel(const CudaProducts& products, const std::vector<std::string>& folders) {
  Check check(products.source, KernelKind::kCuda);
  check.Files(ReadDependencies(products.dependencies), folders);
  Preprocessed source = ScreenPreprocessed(products.host_source, KernelText::kCudaSource);
  check.Add(std::move(source.findings));
  check.Add(ScreenPreprocessed(products.host_preprocessed, KernelText::kCudaHost).findings);
  check.Object(products.object, source.target_clones);
  return check.Take();
}

std::string TextOf(const std::vector<KernelFinding>& findings) {
  std::string text;
  for (const KernelFinding& finding : findings) {
    text += (text.empty() ? "" : "; ") + finding.file + ":" + std::to_string(finding.line) + " [" + finding.rule + "] " +
            finding.text;
    if (text.size() > kMaxText) break;
  }
  return text;
}

}  // namespace passnet::evaluator
