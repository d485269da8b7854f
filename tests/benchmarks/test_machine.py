from benchmarks.machine import processor_name


def test_the_name_of_the_processor() -> None:
    assert processor_name("processor\t: 0\nmodel name\t: A B 7\n\nprocessor\t: 1\n") == "A B 7"
    assert processor_name("processor\t: 0\nBogoMIPS\t: 50.00\n") is None
