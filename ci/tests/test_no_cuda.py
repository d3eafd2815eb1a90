from ci.no_cuda import cuda_packages


def test_a_cuda_build_is_named_with_its_version():
    installed = [("torch", "2.13.0+cu130"), ("nvidia-cublas", "13.0"), ("numpy", "2")]
    assert cuda_packages(installed) == ["nvidia-cublas==13.0", "torch==2.13.0+cu130"]


def test_the_cpu_build_and_the_nvml_binding_pass():
    assert cuda_packages([("torch", "2.13.0+cpu"), ("nvidia-ml-py", "13.6")]) == []
