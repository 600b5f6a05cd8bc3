"""passnet_kernels: what a pass sees of its kernels, with and without the worker behind it."""

import unittest

import worker_path  # noqa: F401

import passnet_kernels


class KernelsTest(unittest.TestCase):
    def tearDown(self):
        passnet_kernels._install(None)

    def test_without_a_loader_a_kernel_can_be_kept_but_not_called(self):
        kernel = passnet_kernels.load("fused")
        function = kernel.run
        with self.assertRaisesRegex(RuntimeError, "kernel fused.run was called while the pass was traced"):
            function((), (), ())

    def test_installed_loader_gets_the_name(self):
        passnet_kernels._install(lambda name: f"loaded {name}")
        self.assertEqual(passnet_kernels.load("fused"), "loaded fused")

    def test_name_must_be_text(self):
        with self.assertRaisesRegex(TypeError, "file name without suffix, got int"):
            passnet_kernels.load(3)

    def test_inert_kernel_has_no_special_attributes(self):
        self.assertFalse(hasattr(passnet_kernels.load("fused"), "__torch_function__"))


if __name__ == "__main__":
    unittest.main()
