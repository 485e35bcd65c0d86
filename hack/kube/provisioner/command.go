package provisioner

import (
	"errors"
	"fmt"
	"path/filepath"

	"github.com/spf13/cobra"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/sig-storage-lib-external-provisioner/v13/controller"
)

// NewCommand returns the local-volume-provisioner program.
func NewCommand() *cobra.Command {
	var (
		kubeconfig string
		name       string
		volumes    = Local{}
	)
	cmd := &cobra.Command{
		Use:          "local-volume-provisioner",
		Short:        "Makes a folder on this node for each claim of its storage classes",
		Args:         cobra.NoArgs,
		SilenceUsage: true,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if volumes.Node == "" || kubeconfig == "" {
				return errors.New("--node and --kubeconfig are required")
			}
			if !filepath.IsAbs(volumes.Folder) {
				return fmt.Errorf("--folder %q: give an absolute path", volumes.Folder)
			}
			config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
			if err != nil {
				return fmt.Errorf("read kubeconfig %s: %w", kubeconfig, err)
			}
			client, err := kubernetes.NewForConfig(config)
			if err != nil {
				return fmt.Errorf("make a client from %s: %w", kubeconfig, err)
			}
			controller.NewProvisionController(cmd.Context(), client, name, volumes,
				controller.LeaderElection(false)).Run(cmd.Context())
			return nil
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&kubeconfig, "kubeconfig", "", "kubeconfig of the cluster (required)")
	flags.StringVar(&name, "provisioner-name", "cmhf.localhost/local-volume", "provisioner named by the storage classes to serve")
	flags.StringVar(&volumes.Node, "node", "", "name of this node (required)")
	flags.StringVar(&volumes.Folder, "folder", "", "absolute path of the folder that holds the volumes (required)")
	return cmd
}
