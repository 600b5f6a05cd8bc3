#include "evaluator/compile/imports.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <iterator>
#include <set>
#include <sstream>
#include <utility>

namespace passnet::evaluator {
namespace {

using Names = std::set<std::string, std::less<>>;

Names Words(const char* text) {
  std::istringstream stream(text);
  return {std::istream_iterator<std::string>(stream), std::istream_iterator<std::string>()};
}

// Of C's library: what touches the arguments and the heap, and writes to standard output (which is kept and bounded).
const Names& Plain() {
  static const Names names = Words(R"(
    memchr memcmp memcpy memmove memset memrchr memmem mempcpy rawmemchr bcmp bcopy bzero explicit_bzero
    strcat strchr strchrnul strcmp strcoll strcpy strcspn strdup strlen strncasecmp strncat strncmp strncpy strndup
    strnlen strpbrk strrchr strspn strstr strtok strtok_r strcasecmp stpcpy stpncpy strxfrm strerror strerror_r
    wmemchr wmemcmp wmemcpy wmemmove wmemset wcslen wcscmp wcscpy wcsncpy wcschr
    malloc calloc realloc free aligned_alloc posix_memalign memalign valloc reallocarray malloc_usable_size
    abort __assert_fail __errno_location __stack_chk_fail __tls_get_addr
    __gmon_start__ _ITM_deregisterTMCloneTable _ITM_registerTMCloneTable __libc_single_threaded
    abs labs llabs div ldiv lldiv qsort qsort_r bsearch rand srand rand_r random srandom drand48 lrand48 srand48
    atof atoi atol atoll strtod strtof strtold strtol strtoll strtoul strtoull
    __isoc23_strtol __isoc23_strtoul __isoc23_strtoll __isoc23_strtoull
    isalnum isalpha isblank iscntrl isdigit isgraph islower isprint ispunct isspace isupper isxdigit tolower toupper
    __ctype_b_loc __ctype_tolower_loc __ctype_toupper_loc __ctype_get_mb_cur_max
    printf fprintf snprintf sprintf vprintf vfprintf vsnprintf vsprintf puts putchar fputs fputc putc fwrite fflush
    perror sscanf __isoc99_sscanf __isoc23_sscanf stdout stderr asprintf vasprintf
    __printf_chk __fprintf_chk __snprintf_chk __sprintf_chk __vsnprintf_chk __memcpy_chk __memmove_chk __memset_chk
    __strcpy_chk __strncpy_chk __strcat_chk __strncat_chk
    pthread_mutex_lock pthread_mutex_unlock pthread_mutex_trylock pthread_mutex_init pthread_mutex_destroy
    pthread_rwlock_rdlock pthread_rwlock_wrlock pthread_rwlock_unlock pthread_once pthread_self __pthread_key_create
    fesetround fegetround feclearexcept feraiseexcept fetestexcept fegetenv fesetenv feholdexcept feupdateenv
    fegetexceptflag fesetexceptflag
    __gxx_personality_v0 __gcc_personality_v0 __dynamic_cast
    _Unwind_Resume _Unwind_Resume_or_Rethrow _Unwind_RaiseException _Unwind_DeleteException)");
  return names;
}

// Each also with f and l behind, and in the forms that the compiler itself calls.
const Names& Math() {
  static const Names names = Words(R"(
    acos acosh asin asinh atan atan2 atanh cbrt ceil copysign cos cosh erf erfc exp exp10 exp2 expm1 fabs fdim floor
    fma fmax fmin fmod frexp hypot ilogb j0 j1 jn ldexp lgamma llrint llround log log10 log1p log2 logb lrint lround
    modf nan nearbyint nextafter nexttoward pow pow10 remainder remquo rint round roundeven scalb scalbln scalbn
    significand sin sincos sinh sqrt tan tanh tgamma trunc y0 y1 yn lgamma_r lgammaf_r lgammal_r gamma drem finite isinf isnan
    cabs cacos cacosh carg casin casinh catan catanh ccos ccosh cexp cimag clog conj cpow cproj creal csin csinh csqrt
    ctan ctanh signgam
    __fpclassify __isinf __isnan __finite __signbit __issignaling __iseqsig)");
  return names;
}

bool IsMath(std::string_view symbol) {
  if (Math().contains(symbol)) return true;
  const bool typed = symbol.ends_with('f') || symbol.ends_with('l');
  return typed && Math().contains(symbol.substr(0, symbol.size() - 1));
}

// __extendhfdf2, __truncdfbf2, __floatdihf, __muldc3, __popcountdi2: what GCC calls where the processor has no instruction
// for it (libgcc's routines for floating point, integers and complex numbers; GCC internals, chapter 4).
bool IsCompilerArithmetic(std::string_view symbol) {
  constexpr std::array kOperations = {"extend", "trunc", "float", "floatun", "fix", "fixuns", "add", "sub", "mul", "div",
                                      "mod", "udiv", "umod", "neg", "powi", "cmp", "ucmp", "eq", "ne", "lt", "le", "gt", "ge",
                                      "unord", "ashl", "ashr", "lshr", "popcount", "clz", "ctz", "ffs", "parity", "bswap"};
  constexpr std::array kTypes = {"hf", "bf", "sf", "df", "xf", "tf", "hc", "sc", "dc", "xc", "tc", "si", "di", "ti"};
  if (!symbol.starts_with("__")) return false;
  symbol.remove_prefix(2);
  for (std::string_view operation : kOperations) {
    if (!symbol.starts_with(operation)) continue;
    std::string_view rest = symbol.substr(operation.size());
    int types = 0;
    for (bool found = true; found && types < 3;) {
      found = std::any_of(kTypes.begin(), kTypes.end(), [rest](const char* type) { return rest.starts_with(type); });
      if (found) rest.remove_prefix(2), ++types;
    }
    const bool ends = rest.empty() || (rest.size() == 1 && (rest[0] == '2' || rest[0] == '3'));
    if (types > 0 && ends) return true;
  }
  return false;
}

// _ZGVdN8v_expf: the vector forms that loops over expf() become.
bool IsVectorMath(std::string_view symbol) {
  constexpr std::string_view kPrefix = "_ZGV";
  if (!symbol.starts_with(kPrefix)) return false;
  const size_t under = symbol.find('_', kPrefix.size());
  return under != std::string_view::npos && IsMath(symbol.substr(under + 1));
}

// _ZSt…, _ZNKSt…, _ZNSo… (std::ostream), _ZTISt…: a name that begins in namespace std (Itanium C++ ABI, 5.1).
bool IsInStd(std::string_view symbol) {
  const auto skip = [&symbol](std::string_view part) {
    const bool there = symbol.starts_with(part);
    if (there) symbol.remove_prefix(part.size());
    return there;
  };
  if (!skip("_Z")) return false;
  if (!skip("TI") && !skip("TV") && !skip("TS") && !skip("TT")) (void)skip("GV");
  (void)skip("N");
  while (skip("K") || skip("V") || skip("R") || skip("O")) {
  }
  return skip("S") && !symbol.empty() && std::string_view("tabsiod").find(symbol[0]) != std::string_view::npos;
}

// Names of the C++ library's own, but for the parts that reach threads, files, clocks or what the whole process shares.
bool IsLibrary(std::string_view symbol) {
  constexpr std::array kOwn = {"_ZTIN10__cxxabiv1", "_ZTVN10__cxxabiv1", "_ZN10__cxxabiv1", "_ZNK10__cxxabiv1",
                               "_ZN9__gnu_cxx",     "_ZNK9__gnu_cxx",    "_ZTIN9__gnu_cxx", "_ZTVN9__gnu_cxx",
                               "_Znw", "_Zna", "_Zdl", "_Zda", "_ZThn", "_ZTv0_"};
  constexpr std::array kShared = {
      "6thread",      "7jthread",    "11this_thread",      "12__basic_file", "13basic_filebuf", "14basic_ifstream",
      "14basic_ofstream", "13basic_fstream", "10filesystem", "6chrono",      "13random_device", "18condition_variable",
      "13__future_base",  "20__atomic_futex",  "stdio_filebuf", "stdio_sync_filebuf", "13set_terminate", "14set_unexpected",
      "15set_new_handler", "_ZSt3cin", "_ZSt4wcin"};
  const auto starts = [symbol](const char* part) { return symbol.starts_with(part); };
  const auto holds = [symbol](const char* part) { return symbol.find(part) != std::string_view::npos; };
  return (IsInStd(symbol) || std::any_of(kOwn.begin(), kOwn.end(), starts)) &&
         std::none_of(kShared.begin(), kShared.end(), holds);
}

// The types of the language itself: _ZTIi, _ZTIPKc.
bool IsFundamentalTypeInfo(std::string_view symbol) {
  if (!symbol.starts_with("_ZTI") || symbol.size() > 8) return false;
  const std::string_view rest = symbol.substr(4);
  return std::all_of(rest.begin(), rest.end(), [](unsigned char c) { return std::isalpha(c) != 0; });
}

// What the best known ways out are called; all others break T6.import.
struct Group {
  const char* rule;
  const char* names;
};
constexpr Group kGroups[] = {
    {"H11.syscall", "syscall"},
    {"H11.exec", "fork vfork clone execl execle execlp execv execve execveat execvp execvpe fexecve posix_spawn posix_spawnp "
                 "system popen wait waitpid"},
    {"H8.memory", "mmap mmap64 munmap mprotect mremap madvise pkey_mprotect memfd_create shm_open shmat ptrace "
                  "process_vm_readv process_vm_writev"},
    {"H11.file", "fopen fopen64 freopen fdopen tmpfile open open64 openat openat64 creat read write pread pwrite close dup "
                 "dup2 ioctl fcntl unlink rename remove lseek stat fstat access opendir"},
    {"H11.network", "socket connect bind listen accept send sendto sendmsg recv recvfrom recvmsg getsockopt setsockopt"},
    {"H11.signal", "kill tgkill raise signal sigaction sigprocmask sigaltstack setitimer alarm timer_create timer_settime "
                   "pause sigsuspend"},
    {"T3.thread", "thrd_create sched_setaffinity sched_yield sched_getcpu"},
    {"T5.clock", "clock clock_gettime gettimeofday time times nanosleep clock_nanosleep usleep sleep getrusage"},
    {"T6.dynamic-link", "dlopen dlmopen dlsym dlvsym dladdr dl_iterate_phdr __libc_dlsym __libc_dlopen_mode"},
    {"T11.exit", "exit _exit _Exit quick_exit atexit at_quick_exit on_exit longjmp siglongjmp _setjmp __sigsetjmp"},
    {"H7.environment", "getenv secure_getenv setenv putenv environ __environ program_invocation_name getauxval"},
    {"H7.frames", "backtrace backtrace_symbols _Unwind_Backtrace _Unwind_ForcedUnwind"},
};

// What a .cu needs of the CUDA runtime: registering its device code (which nvcc writes), launching it on the stream that it
// was given, and asking about the device. It has no memory, stream, event or graph of its own.
const Names& CudaLaunching() {
  static const Names names = Words(R"(
    __cudaRegisterFatBinary __cudaRegisterFatBinaryEnd __cudaUnregisterFatBinary __cudaRegisterFunction __cudaRegisterVar
    __cudaInitModule __cudaPushCallConfiguration __cudaPopCallConfiguration __cudaGetKernel __cudaLaunchKernel
    __cudaLaunchKernel_ptsz cudaLaunchKernel cudaLaunchKernelExC cudaLaunchCooperativeKernel
    cudaGetLastError cudaPeekAtLastError cudaGetErrorName cudaGetErrorString
    cudaFuncSetAttribute cudaFuncGetAttributes cudaOccupancyMaxActiveBlocksPerMultiprocessor
    cudaOccupancyMaxActiveBlocksPerMultiprocessorWithFlags cudaOccupancyMaxActiveClusters
    cudaOccupancyMaxPotentialClusterSize cudaOccupancyAvailableDynamicSMemPerBlock
    cudaGetDevice cudaDeviceGetAttribute cudaGetDeviceProperties cudaGetDeviceProperties_v2
    cudaMemsetAsync cudaStreamSynchronize cudaDeviceSynchronize
    exit)");  // the last is what nvcc makes of a device function where the host would call it
  return names;
}

// By how they begin; what is above is asked first.
constexpr std::array<std::pair<std::string_view, const char*>, 14> kCudaGroups = {{
    {"cudaStreamSetAttribute", "R1.l2-persistence"},
    {"cudaStreamBeginCapture", "T10.cuda-graph"},
    {"cudaStreamEndCapture", "T10.cuda-graph"},
    {"cudaStream", "T1.stream"},
    {"cudaLaunchHostFunc", "T1.stream"},
    {"cudaGraph", "T10.cuda-graph"},
    {"cudaEvent", "T5.clock"},
    {"cudaMalloc", "M8.device-memory"},
    {"cudaMemPool", "M8.device-memory"},
    {"cudaHost", "M8.device-memory"},
    {"cudaMemAdvise", "M8.device-memory"},
    {"cudaDeviceSetLimit", "R1.l2-persistence"},
    {"cudaCtxResetPersistingL2Cache", "R1.l2-persistence"},
    {"cudaIpc", "H8.memory"},
}};

}  // namespace

std::optional<std::string> RuleAgainstImport(std::string_view symbol, KernelKind kind) {
  if (kind == KernelKind::kCuda && CudaLaunching().contains(symbol)) return std::nullopt;
  if (Plain().contains(symbol) || IsMath(symbol) || IsVectorMath(symbol) || IsLibrary(symbol) ||
      IsFundamentalTypeInfo(symbol) || IsCompilerArithmetic(symbol)) {
    return std::nullopt;
  }
  if (symbol.starts_with("__cxa_") || symbol.starts_with("__once_call") || symbol == "__once_proxy") return std::nullopt;
  if (symbol.starts_with("pthread_")) return "T3.thread";
  for (const Group& group : kGroups) {
    if (Words(group.names).contains(symbol)) return group.rule;
  }
  for (const auto& [begin, rule] : kCudaGroups) {
    if (symbol.starts_with(begin)) return rule;
  }
  return "T6.import";
}

bool IsPlainLibrary(std::string_view name, KernelKind kind) {
  if (kind == KernelKind::kCuda && name.starts_with("libcudart.so.")) return true;
  constexpr std::array kPlain = {"libc.so.6",       "libm.so.6",    "libmvec.so.1", "libstdc++.so.6",
                                 "libgcc_s.so.1",   "libpthread.so.0", "ld-linux-x86-64.so.2", "ld-linux-aarch64.so.1"};
  return std::any_of(kPlain.begin(), kPlain.end(), [name](const char* plain) { return name == plain; });
}

}  // namespace passnet::evaluator
