// A self-signed certificate for "localhost" and 127.0.0.1, made anew: nothing that expires lies in the repository.
// Threads: thread-safe.
#pragma once

#include <string>

namespace passnet {

struct TestCertificate {
  std::string certificate_pem;
  std::string key_pem;
};

TestCertificate MakeTestCertificate();

}  // namespace passnet
