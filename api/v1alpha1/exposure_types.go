package v1alpha1

// Exposure says by what people and systems outside the cluster reach the coordination API and the dashboard, under the host
// names of their URLs.
//
// +kubebuilder:validation:XValidation:rule="self.type == 'Gateway' ? has(self.gateway) : !has(self.gateway)",message="gateway belongs to type Gateway, which needs it",fieldPath=".gateway"
// +kubebuilder:validation:XValidation:rule="self.type == 'Ingress' || !has(self.ingress)",message="ingress belongs to type Ingress",fieldPath=".ingress"
type Exposure struct {
	// type is None (nothing is made: someone else leads requests to the Services), Ingress or Gateway (an HTTPRoute of the
	// Gateway API).
	// +required
	Type ExposureType `json:"type"`

	// ingress holds what type Ingress needs.
	// +optional
	Ingress *IngressExposure `json:"ingress,omitempty"`

	// gateway holds what type Gateway needs.
	// +optional
	Gateway *GatewayExposure `json:"gateway,omitempty"`
}

// ExposureType is a way into the cluster.
//
// +kubebuilder:validation:Enum=None;Ingress;Gateway
type ExposureType string

const (
	// ExposureNone is the default: no object leads in from outside.
	ExposureNone ExposureType = "None"
	// ExposureIngress makes an Ingress.
	ExposureIngress ExposureType = "Ingress"
	// ExposureGateway makes an HTTPRoute.
	ExposureGateway ExposureType = "Gateway"
)

// IngressExposure says which ingress controller serves.
type IngressExposure struct {
	// className is the IngressClass; when absent the cluster's default class is used.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$`
	ClassName string `json:"className,omitempty"`
}

// GatewayExposure names the Gateway that serves. The certificates are the Gateway's, and so is the permission for routes of the
// tenant's namespace (its listeners' allowedRoutes).
type GatewayExposure struct {
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$`
	Name string `json:"name"`

	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`
	Namespace string `json:"namespace"`

	// sectionName is the listener; when absent every listener that fits is used.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$`
	SectionName string `json:"sectionName,omitempty"`
}
